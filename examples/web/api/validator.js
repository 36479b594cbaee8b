// SPDX-License-Identifier: MIT

import { Ajv2020 } from 'ajv/dist/2020.js';
import { fileOf, follow } from './documents.js';

/** Copies a schema of `file`; its `$ref`s say which file they are about. */
function standingAlone(file, value) {
  if (Array.isArray(value)) return value.map((entry) => standingAlone(file, entry));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) =>
      name === '$ref' && typeof entry === 'string'
        ? [name, new URL(entry, fileOf(file)).href]
        : [name, standingAlone(file, entry)],
    ),
  );
}

/** Checks values against the schemas of the documents (`readDocuments`). */
export class Validator {
  #files;
  // Whole documents are not schemas: let their other words pass.
  #ajv = new Ajv2020({ strict: false, validateSchema: false, validateFormats: false });
  #compiled = new Map();

  constructor({ files }) {
    this.#files = files;
    for (const [name, value] of files) this.#ajv.addSchema(value, fileOf(name));
  }

  /** What is wrong with a value, as sentences; none if `schema`, which stands in `file`, allows it. */
  faults(file, schema, value) {
    let validate = this.#compiled.get(schema);
    if (validate === undefined) {
      validate = this.#ajv.compile(standingAlone(file, schema));
      this.#compiled.set(schema, validate);
    }
    if (validate(value)) return [];
    return validate.errors.map(({ instancePath, message }) => `${instancePath || 'it'} ${message}`);
  }

  /** The fields of a value that its schema does not describe. Clients ignore them; our own server has none. */
  unknownFields(file, schema, value, path = '') {
    return this.#unknown([{ file, value: schema }], value, path);
  }

  #unknown(schemas, value, path) {
    const all = schemas.flatMap((schema) => this.#parts(schema));
    if (Array.isArray(value)) {
      const items = all.flatMap(({ file, value }) =>
        value.items === undefined ? [] : [{ file, value: value.items }],
      );
      return value.flatMap((entry, index) => this.#unknown(items, entry, `${path}/${index}`));
    }
    if (typeof value !== 'object' || value === null) return [];
    if (all.some((schema) => schema.value.additionalProperties)) return [];
    return Object.entries(value).flatMap(([name, entry]) => {
      const known = all.flatMap(({ file, value }) =>
        value.properties?.[name] === undefined ? [] : [{ file, value: value.properties[name] }],
      );
      const at = `${path}/${name}`;
      return known.length === 0 ? [at] : this.#unknown(known, entry, at);
    });
  }

  /** A schema with all that it is made of. */
  #parts(schema) {
    const { file, value } = schema;
    const among = [...(value.allOf ?? []), ...(value.anyOf ?? [])].map((part) => ({
      file,
      value: part,
    }));
    if (value.$ref !== undefined) among.push(follow(this.#files, file, value.$ref));
    return [schema, ...among.flatMap((part) => this.#parts(part))];
  }
}
