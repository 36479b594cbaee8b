// SPDX-License-Identifier: MIT

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** The repository's own documents. */
export const documentsFolder = fileURLToPath(new URL('../../../docs/api/', import.meta.url));

/** The whole file that `$ref`s of the others point into. */
export const fileOf = (name) => `file:///${name}`;

/**
 * Reads the documents of a folder: `openapi` and `asyncapi` as objects, `files` by name ("schemas/order.json", "openapi.yaml").
 */
export function readDocuments(folder = documentsFolder) {
  const files = new Map();
  for (const name of ['openapi.yaml', 'asyncapi.yaml']) {
    files.set(name, parse(readFileSync(join(folder, name), 'utf8')));
  }
  for (const name of readdirSync(join(folder, 'schemas')).sort()) {
    const file = `schemas/${name}`;
    files.set(file, JSON.parse(readFileSync(join(folder, file), 'utf8')));
  }
  return { files, openapi: files.get('openapi.yaml'), asyncapi: files.get('asyncapi.yaml') };
}

/** Follows a JSON pointer (RFC 6901), such as "/components/schemas/User". */
function at(document, pointer) {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((value, part) => value?.[part], document);
}

/**
 * Returns what a `$ref` in `file` points to, with the file and pointer where it stands. Throws if there is nothing.
 */
export function follow(files, file, ref) {
  const [path, pointer = ''] = ref.split('#');
  const target = path === '' ? file : new URL(path, fileOf(file)).pathname.slice(1);
  const value = at(files.get(target), pointer);
  if (value === undefined) throw new Error(`${file}: nothing is at ${ref}`);
  return { value, file: target, pointer };
}

/** Follows `$ref`s until something else stands there. */
export function resolve(files, file, value) {
  let found = { value, file, pointer: '' };
  while (found.value?.$ref !== undefined) found = follow(files, found.file, found.value.$ref);
  return found;
}

export const methods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'];

/** All calls of an OpenAPI document: `{ path, method, operation, parameters }`, everything but schemas resolved. */
export function callsOf({ files, openapi }) {
  const resolved = (value) => resolve(files, 'openapi.yaml', value).value;
  return Object.entries(openapi.paths).flatMap(([path, item]) =>
    methods
      .filter((method) => item[method] !== undefined)
      .map((method) => {
        const operation = item[method];
        return {
          path,
          method,
          operation,
          parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolved),
          requestBody: resolved(operation.requestBody),
          responses: Object.fromEntries(
            Object.entries(operation.responses).map(([status, value]) => [status, resolved(value)]),
          ),
        };
      }),
  );
}

/** The messages of an operation of the AsyncAPI document, by name: `{ title, payload }`. */
export function messagesOf({ files, asyncapi }, operation) {
  return asyncapi.operations[operation].messages.map(({ $ref }) => ({
    name: $ref.split('/').at(-1),
    ...resolve(files, 'asyncapi.yaml', { $ref }).value,
  }));
}
