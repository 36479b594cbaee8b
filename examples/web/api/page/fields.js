// SPDX-License-Identifier: MIT

import { follow, resolve } from '../documents.js';
import { escapeHtml, inline } from './html.js';

/** Shows schemas. Objects that have a name are sections of their own, which `sections` collects in the order of their first use. */
export class Fields {
  #files;
  sections = new Map();

  constructor(files) {
    this.#files = files;
  }

  /** The fields of a schema, in full. */
  list(file, value) {
    const found = resolve(this.#files, file, value);
    const fields = new Map();
    this.#collect(found.file, found.value, fields);
    if (fields.size === 0) return `<p class="type">${this.type(file, value)}</p>`;
    const rows = [...fields].map(
      ([name, field]) =>
        `<li><code class="name">${escapeHtml(name)}</code> <span class="type">${this.type(field.file, field.value)}</span>` +
        `${field.required ? '' : ' <span class="note">optional</span>'}${this.#about(field)}</li>`,
    );
    return `<ul class="fields">${rows.join('')}</ul>`;
  }

  /** What a schema is, in a few words, with links to the sections of named ones. */
  type(file, value) {
    if (value.$ref !== undefined) return this.#typeOfReference(file, value);
    if (value.allOf) return value.allOf.map((part) => this.type(file, part)).join(' and ');
    if (value.anyOf && !value.properties) {
      return value.anyOf.map((part) => this.type(file, part)).join(' or ');
    }
    const words = value.const === undefined ? value.enum : [value.const];
    if (words)
      return words.map((word) => `<code>${escapeHtml(JSON.stringify(word))}</code>`).join(' ');
    if (value.type === 'array') return `list of ${this.type(file, value.items)}`;
    if (value.type === 'object' && value.additionalProperties) {
      return `object of ${this.type(file, value.additionalProperties)}`;
    }
    return escapeHtml([value.type ?? 'anything'].flat().join(' or '));
  }

  #typeOfReference(file, { $ref }) {
    const { value, file: target, pointer } = follow(this.#files, file, $ref);
    if (!value.properties && !value.enum) return this.type(target, value);
    const word = value.title ?? pointer.split('/').at(-1);
    const name = word[0].toUpperCase() + word.slice(1);
    const id = `schema-${name}`;
    if (!this.sections.has(id)) this.sections.set(id, { name, file: target, value });
    return `<a href="#${id}">${escapeHtml(name)}</a>`;
  }

  /** Fields of all parts; a later part says more about the same field. */
  #collect(file, value, fields) {
    for (const part of value.allOf ?? []) {
      const found = resolve(this.#files, file, part);
      this.#collect(found.file, found.value, fields);
    }
    for (const [name, field] of Object.entries(value.properties ?? {})) {
      const required = value.required?.includes(name) || (fields.get(name)?.required ?? false);
      fields.set(name, { file, value: field, required });
    }
  }

  #about({ file, value }) {
    const found = resolve(this.#files, file, value).value;
    const named = value.$ref !== undefined && (found.properties || found.enum);
    const limits = named ? '' : limitsOf(found);
    const text = value.description ?? (named ? undefined : found.description);
    const parts = [text && inline(text), limits].filter(Boolean);
    return parts.length === 0 ? '' : `<span class="about">${parts.join(' ')}</span>`;
  }
}

function limitsOf({ minimum, maximum, minLength, maxLength, minItems, maxItems, ...more }) {
  const { default: standard } = more;
  const range = (least, most, unit) => {
    if (least === undefined && most === undefined) return '';
    if (most === undefined) return `At least ${least}${unit}.`;
    return least === undefined ? `At most ${most}${unit}.` : `${least} to ${most}${unit}.`;
  };
  const said = [
    range(minimum, maximum, ''),
    range(minLength, maxLength, ' characters'),
    range(minItems, maxItems, ' entries'),
    standard === undefined ? '' : `By default ${standard}.`,
  ];
  return said.filter(Boolean).join(' ');
}
