// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readDocuments } from '../documents.js';
import { typesFile } from '../types/file.js';
import { typescriptOf } from '../types/typescript.js';

test('client/src/wire.ts has the types of the documents', () => {
  assert.ok(
    readFileSync(typesFile, 'utf8') === typescriptOf(readDocuments()),
    'client/src/wire.ts is out of date: run npm run types --workspace api in examples/web',
  );
});

/** The types of one schema, as openapi.yaml would have it. */
function typesOf(schemas) {
  const files = new Map([['schemas/values.json', { $defs: {} }]]);
  files.set('openapi.yaml', { components: { schemas } });
  return typescriptOf({ files, openapi: files.get('openapi.yaml') });
}

test('fields are readonly; those that may be missing have a question mark', () => {
  const properties = { a: { type: 'string' }, b: { type: ['integer', 'null'] } };
  assert.match(
    typesOf({ Thing: { type: 'object', required: ['a'], properties } }),
    /export interface Thing \{\n {2}readonly a: string;\n {2}readonly b\?: number \| null;\n\}/,
  );
});

test('a list of words is an array and its type', () => {
  assert.match(
    typesOf({ Status: { enum: ['UP', 'DOWN'] } }),
    /export const statuses = \['UP', 'DOWN'\] as const;\nexport type Status = \(typeof statuses\)\[number\];/,
  );
});

test('a schema that another one points to is one type', () => {
  const text = typesOf({
    Many: {
      type: 'object',
      properties: { all: { type: 'array', items: { $ref: '#/components/schemas/One' } } },
    },
    One: { type: 'object', properties: { id: { type: 'string' } } },
  });
  assert.match(text, /readonly all\?: readonly One\[\];/);
  assert.equal(text.match(/interface One /g).length, 1);
});
