// SPDX-License-Identifier: MIT

import { resolve } from '../documents.js';

const upper = (name) => name[0].toUpperCase() + name.slice(1);
const lower = (name) => name[0].toLowerCase() + name.slice(1);
const plural = (name) => (name.endsWith('s') ? `${name}es` : `${name}s`);
const literal = (value) => `'${value}'`;

/** As biome.jsonc has it. */
const lineWidth = 100;

function comment(text, indent = '') {
  if (text === undefined) return '';
  return `${indent}/** ${text.trim().replaceAll('\n', `\n${indent} * `)} */\n`;
}

/** Writes the TypeScript types of schemas. Each that has a name becomes a type of its own, once. */
class Writer {
  #files;
  /** By "file#pointer": the names of the types that are written. */
  #names = new Map();
  #texts = [];

  constructor(files) {
    this.#files = files;
  }

  /** Writes the type of the schema that stands in `file` at `pointer`. */
  declare(file, pointer, value, name) {
    const key = `${file}#${pointer}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    this.#names.set(key, name);
    const place = this.#texts.push('') - 1; // Types that this one needs come after it.
    this.#texts[place] = comment(value.description) + this.#declaration(file, value, name);
    return name;
  }

  get text() {
    return this.#texts.join('\n');
  }

  #declaration(file, value, name) {
    if (value.enum !== undefined) {
      const values = plural(lower(name));
      const all = value.enum.map(literal);
      const line = `export const ${values} = [${all.join(', ')}] as const;`;
      const list =
        line.length <= lineWidth
          ? line
          : `export const ${values} = [\n  ${all.join(',\n  ')},\n] as const;`;
      return `${list}\nexport type ${name} = (typeof ${values})[number];\n`;
    }
    if (value.properties === undefined) {
      return `export type ${name} = ${this.#typeOf(file, value)};\n`;
    }
    return `export interface ${name} {\n${this.#fields(file, value, '  ')}}\n`;
  }

  #fields(file, { properties, required = [] }, indent) {
    return Object.entries(properties)
      .map(([field, value]) => {
        const mark = required.includes(field) ? '' : '?';
        const type = this.#typeOf(file, value, indent);
        return `${comment(value.description, indent)}${indent}readonly ${field}${mark}: ${type};\n`;
      })
      .join('');
  }

  #typeOf(file, value, indent = '') {
    if (value.$ref !== undefined) return this.#typeOfReference(file, value);
    if (value.anyOf !== undefined && value.properties === undefined) {
      return value.anyOf.map((each) => this.#typeOf(file, each, indent)).join(' | ');
    }
    if (value.const !== undefined) {
      return typeof value.const === 'string' ? literal(value.const) : String(value.const);
    }
    if (value.enum !== undefined) return value.enum.map(literal).join(' | ');
    if (Array.isArray(value.type)) {
      return value.type.map((type) => this.#typeOf(file, { ...value, type }, indent)).join(' | ');
    }
    switch (value.type) {
      case 'integer':
      case 'number':
        return 'number';
      case 'string':
      case 'boolean':
      case 'null':
        return value.type;
      case 'array': {
        const of = this.#typeOf(file, value.items, indent);
        return / \| /.test(of) ? `readonly (${of})[]` : `readonly ${of}[]`;
      }
      case 'object':
        if (value.properties !== undefined) {
          return `{\n${this.#fields(file, value, `${indent}  `)}${indent}}`;
        }
        return value.additionalProperties
          ? `Readonly<Record<string, ${this.#typeOf(file, value.additionalProperties, indent)}>>`
          : 'Readonly<Record<string, unknown>>';
      default:
        return 'unknown';
    }
  }

  /** Enums and objects have a name of their own; texts and numbers are written out. */
  #typeOfReference(file, { $ref }) {
    const { value, file: target, pointer } = resolve(this.#files, file, { $ref });
    if (value.enum === undefined && value.properties === undefined) {
      return this.#typeOf(target, value);
    }
    return this.declare(target, pointer, value, value.title ?? upper(pointer.split('/').at(-1)));
  }
}

/** The whole file: the messages and the order, then what only REST has. */
export function typescriptOf({ files, openapi }) {
  const writer = new Writer(files);
  const values = Object.entries(files.get('schemas/values.json').$defs);
  for (const [name, value] of values) {
    if (value.enum === undefined) continue;
    writer.declare('schemas/values.json', `/$defs/${name}`, value, upper(name));
  }
  for (const [file, value] of files) {
    if (file.startsWith('schemas/') && value.properties)
      writer.declare(file, '', value, value.title);
  }
  for (const [name, value] of Object.entries(openapi.components.schemas)) {
    writer.declare('openapi.yaml', `/components/schemas/${name}`, value, name);
  }
  return [
    '// SPDX-License-Identifier: MIT\n',
    '// Generated from docs/api by `npm run types --workspace api`; do not edit.\n',
    writer.text,
  ].join('\n');
}
