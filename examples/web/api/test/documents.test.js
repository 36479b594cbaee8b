// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { Validator as OpenApiValidator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { callsOf, follow, messagesOf, readDocuments } from '../documents.js';
import { Validator } from '../validator.js';

const documents = readDocuments();
const { files, openapi, asyncapi } = documents;
const validator = new Validator(documents);

/** Calls `visit` with each object within a value. */
function walk(value, visit) {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) visit(value);
  for (const entry of Object.values(value)) walk(entry, visit);
}

test('openapi.yaml is OpenAPI 3.1', async () => {
  const alone = structuredClone(openapi);
  walk(alone, (object) => {
    // The validator follows no files; another test does.
    if (typeof object.$ref === 'string' && !object.$ref.startsWith('#')) delete object.$ref;
  });
  const { valid, errors } = await new OpenApiValidator({ strict: false }).validate(alone);
  assert.deepEqual(errors ?? [], []);
  assert.equal(valid, true);
  assert.match(openapi.openapi, /^3\.1\./);
});

test('asyncapi.yaml is AsyncAPI 3.0', () => {
  const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0.json');
  const validate = new Ajv({
    strict: false,
    validateFormats: false,
    validateSchema: false,
    meta: false, // The schema brings its own.
  }).compile(schema);
  validate(asyncapi);
  assert.deepEqual(validate.errors ?? [], []);
  assert.equal(asyncapi.asyncapi, '3.0.0');
});

test('each file of schemas/ is JSON Schema 2020-12', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  for (const [name, schema] of files) {
    if (!name.startsWith('schemas/')) continue;
    assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema', name);
    assert.ok(ajv.validateSchema(schema), `${name}: ${ajv.errorsText()}`);
  }
});

test('each schema of openapi.yaml is JSON Schema 2020-12', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  for (const [name, schema] of Object.entries(openapi.components.schemas)) {
    assert.ok(ajv.validateSchema(schema), `${name}: ${ajv.errorsText()}`);
  }
});

test('each $ref points to something, and each file of schemas/ is used', () => {
  const used = new Set();
  for (const [name, document] of files) {
    walk(document, ({ $ref }) => {
      if (typeof $ref === 'string') used.add(follow(files, name, $ref).file);
    });
  }
  for (const name of files.keys()) {
    if (name.startsWith('schemas/')) assert.ok(used.has(name), `nothing uses ${name}`);
  }
});

test('what is required is described', () => {
  for (const [name, document] of files) {
    walk(document, ({ required, properties }) => {
      if (!Array.isArray(required) || properties === undefined) return;
      for (const field of required) assert.ok(field in properties, `${name}: ${field}`);
    });
  }
});

test('examples are valid', () => {
  for (const [name, schema] of files) {
    for (const example of schema.examples ?? []) {
      assert.deepEqual(validator.faults(name, schema, example), [], name);
    }
  }
  for (const { path, requestBody } of callsOf(documents)) {
    for (const { schema, example } of Object.values(requestBody?.content ?? {})) {
      if (example === undefined) continue;
      assert.deepEqual(validator.faults('openapi.yaml', schema, example), [], path);
    }
  }
});

test('each {name} of a path is one of its parameters', () => {
  for (const { path, parameters } of callsOf(documents)) {
    const names = parameters.filter(({ in: where }) => where === 'path').map(({ name }) => name);
    assert.deepEqual(
      names,
      [...path.matchAll(/\{(.+?)\}/g)].map(([, name]) => name),
      path,
    );
  }
});

const vectors = (name) =>
  JSON.parse(readFileSync(new URL(`../../../../tests/vectors/${name}`, import.meta.url), 'utf8'));

/** The names of the messages that a value may be, by the protocol alone: another server's orders are other orders. */
function protocolMessages(operation, value) {
  return messagesOf(documents, operation)
    .map(({ name, payload }) => {
      const [part] = payload.allOf ?? [payload];
      return { name, ...follow(files, 'asyncapi.yaml', part.$ref) };
    })
    .filter(({ file, value: schema }) => validator.faults(file, schema, value).length === 0)
    .map(({ name }) => name);
}

test('what the vectors of the codec send is one message of a client', () => {
  for (const { name, text } of vectors('codec.json').encode) {
    assert.equal(protocolMessages('fromClient', JSON.parse(text)).length, 1, name);
  }
});

test('what the vectors of the state machine send is one message of a client', () => {
  let sent = 0;
  walk(vectors('state_machine.json'), ({ send, message }) => {
    const text = send?.message ?? (message?.type === undefined ? undefined : message);
    if (text === undefined) return;
    sent += 1;
    assert.equal(protocolMessages('fromClient', text).length, 1, JSON.stringify(text));
  });
  assert.ok(sent > 100, `only ${sent} messages were found`);
});

test('the schemas take and refuse of a server what the vectors of the codec do', () => {
  // A schema can't count bytes, and says nothing of JSON itself.
  const bytes = new Set(['an id of 129 bytes']);
  for (const { name, text, is } of vectors('codec.json').decode) {
    let value;
    try {
      value = JSON.parse(text);
    } catch {
      assert.equal(is.type, 'invalid', name);
      continue;
    }
    const known = !['invalid', 'unknown'].includes(is.type);
    if (bytes.has(name)) continue;
    assert.equal(protocolMessages('fromServer', value).length, known ? 1 : 0, name);
  }
});

test('the statuses of the vectors are those of the order', () => {
  const statuses = files.get('schemas/values.json').$defs.orderStatus.enum;
  const known = vectors('order_rules.json').steps.map(({ status }) => status);
  assert.deepEqual([...new Set(known)].sort(), [...statuses].sort());
});
