// SPDX-License-Identifier: MIT

import { callsOf, messagesOf, readDocuments, resolve } from './documents.js';

/**
 * Finds what breaks clients of an earlier version of the documents. A client sends what it always sent and reads what it always read:
 * the server may ask for nothing more and take nothing away. Fields, calls and words of a list may be added.
 *
 *     node breaking.js OLD_FOLDER [NEW_FOLDER]
 */
export function breakingChanges(old, now) {
  const comparison = new Comparison(old.files, now.files);
  comparison.calls(callsOf(old), callsOf(now));
  for (const operation of Object.keys(old.asyncapi.operations)) {
    comparison.messages(operation, messagesOf(old, operation), messagesOf(now, operation));
  }
  return comparison.changes;
}

/** What a schema allows, from all its parts. */
function shapeOf(files, file, value) {
  const found = resolve(files, file, value);
  const { type = [], required = [], properties = {}, items, allOf = [], anyOf = [] } = found.value;
  const words = found.value.const === undefined ? found.value.enum : [found.value.const];
  const shape = {
    types: new Set([type].flat()),
    words: words && new Set(words),
    required: new Set(required),
    fields: new Map(Object.entries(properties).map(([name, field]) => [name, [found.file, field]])),
    items: items && [found.file, items],
  };
  for (const part of [...allOf, ...anyOf]) {
    const more = shapeOf(files, found.file, part);
    for (const type of more.types) shape.types.add(type);
    if (more.words) shape.words = new Set([...(shape.words ?? []), ...more.words]);
    for (const [name, field] of more.fields) shape.fields.set(name, field);
    if (allOf.includes(part)) for (const name of more.required) shape.required.add(name);
    shape.items ??= more.items;
  }
  return shape;
}

class Comparison {
  changes = [];
  #old;
  #now;

  constructor(old, now) {
    this.#old = old;
    this.#now = now;
  }

  calls(old, now) {
    for (const call of old) {
      const what = `${call.method.toUpperCase()} ${call.path}`;
      const same = now.find(({ path, method }) => path === call.path && method === call.method);
      if (same === undefined) {
        this.changes.push(`${what} was removed`);
        continue;
      }
      this.#parameters(what, call.parameters, same.parameters);
      this.#body(what, call.requestBody, same.requestBody);
      for (const [status, response] of Object.entries(call.responses)) {
        this.#response(`${what} ${status}`, response, same.responses[status]);
      }
    }
  }

  messages(operation, old, now) {
    for (const { name, payload } of old) {
      const same = now.find((message) => message.name === name);
      if (same === undefined) {
        this.changes.push(`${operation}: the message ${name} was removed`);
        continue;
      }
      const sent = operation === 'fromClient';
      this.#schemas(sent, name, ['asyncapi.yaml', payload], ['asyncapi.yaml', same.payload]);
    }
  }

  #parameters(what, old, now) {
    const keyOf = ({ in: where, name }) => `${where} parameter ${name}`;
    const before = new Map(old.map((parameter) => [keyOf(parameter), parameter]));
    const after = new Map(now.map((parameter) => [keyOf(parameter), parameter]));
    for (const [key, { schema }] of before) {
      const same = after.get(key);
      if (same === undefined) this.changes.push(`${what}: the ${key} was removed`);
      else
        this.#schemas(
          true,
          `${what} ${key}`,
          ['openapi.yaml', schema],
          ['openapi.yaml', same.schema],
        );
    }
    for (const [key, { required }] of after) {
      if (required && !before.get(key)?.required) {
        this.changes.push(`${what}: the ${key} is newly required`);
      }
    }
  }

  #body(what, old, now) {
    if (now?.required && !old?.required) this.changes.push(`${what}: a body is newly required`);
    this.#contents(true, `${what} body`, old?.content, now?.content);
  }

  #response(what, old, now) {
    if (now === undefined) {
      this.changes.push(`${what} was removed`);
      return;
    }
    for (const name of Object.keys(old.headers ?? {})) {
      if (now.headers?.[name] === undefined) this.changes.push(`${what}: ${name} was removed`);
    }
    this.#contents(false, what, old.content, now.content);
  }

  #contents(sent, what, old = {}, now = {}) {
    for (const [type, { schema }] of Object.entries(old)) {
      if (now[type] === undefined) this.changes.push(`${what}: ${type} was removed`);
      else this.#schemas(sent, what, ['openapi.yaml', schema], ['openapi.yaml', now[type].schema]);
    }
  }

  /** `sent`: by clients; otherwise by the server. */
  #schemas(sent, what, old, now) {
    const before = shapeOf(this.#old, ...old);
    const after = shapeOf(this.#now, ...now);
    const [must, may] = sent ? [before, after] : [after, before];
    for (const type of must.types) {
      const known = may.types.has(type) || (type === 'integer' && may.types.has('number'));
      if (may.types.size > 0 && !known)
        this.changes.push(`${what}: ${type} is not allowed by both`);
    }
    for (const word of before.words ?? []) {
      if (after.words && !after.words.has(word)) this.changes.push(`${what}: ${word} was removed`);
    }
    if (sent && !before.words && after.words) {
      this.changes.push(`${what}: only a few words are allowed now`);
    }
    const [asked, given] = sent ? [after, before] : [before, after];
    for (const name of asked.required) {
      if (given.required.has(name)) continue;
      this.changes.push(`${what}: ${name} is ${sent ? 'newly' : 'no longer'} required`);
    }
    for (const [name, field] of before.fields) {
      const same = after.fields.get(name);
      if (same === undefined) this.changes.push(`${what}: ${name} was removed`);
      else this.#schemas(sent, `${what} ${name}`, field, same);
    }
    if (before.items && after.items) {
      this.#schemas(sent, `${what} entry`, before.items, after.items);
    }
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [old, now] = process.argv.slice(2);
  const changes = breakingChanges(readDocuments(old), readDocuments(now));
  for (const change of changes) process.stderr.write(`${change}\n`);
  process.exitCode = changes.length > 0 ? 1 : 0;
}
