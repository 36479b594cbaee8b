// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { breakingChanges } from '../breaking.js';
import { readDocuments } from '../documents.js';

const old = readDocuments();

/** What breaks when `change` is made to a copy of the documents: `change(openapi, asyncapi, file)`. */
function afterChange(change) {
  const now = structuredClone(old);
  change(now.openapi, now.asyncapi, (name) => now.files.get(`schemas/${name}.json`));
  return breakingChanges(old, now);
}

const schema = (openapi, name) => openapi.components.schemas[name];
const without = (list, entry) => list.filter((each) => each !== entry);

test('nothing breaks where nothing changes', () => {
  assert.deepEqual(
    afterChange(() => undefined),
    [],
  );
});

test('what is added breaks nothing', () => {
  const changes = afterChange((openapi, asyncapi, file) => {
    openapi.paths['/api/v2/orders'] = openapi.paths['/api/v1/orders'];
    schema(openapi, 'User').properties.phone = { type: 'string' };
    schema(openapi, 'User').required.push('phone');
    schema(openapi, 'Login').properties.code = { type: 'string' };
    file('values').$defs.orderStatus.enum.push('RETURNED');
    asyncapi.components.messages.bye = { payload: { type: 'object' } };
  });
  assert.deepEqual(changes, []);
});

for (const [name, change, expected] of [
  ['a removed path', (openapi) => delete openapi.paths['/health'], ['GET /health was removed']],
  [
    'a removed method',
    (openapi) => delete openapi.paths['/api/v1/orders'].post,
    ['POST /api/v1/orders was removed'],
  ],
  [
    'a field of an answer that is removed',
    (openapi) => {
      const user = schema(openapi, 'User');
      delete user.properties.name;
      user.required = without(user.required, 'name');
    },
    [
      'GET /api/v1/auth/me 200 data: name is no longer required',
      'GET /api/v1/auth/me 200 data: name was removed',
    ],
  ],
  [
    'a field of an answer that may be missing now',
    (openapi) => {
      schema(openapi, 'Tokens').required = ['requiresOrgSelection', 'accessToken'];
    },
    ['POST /api/v1/auth/login 200 data: refreshToken is no longer required'],
  ],
  [
    'a field of an answer that may be null now',
    (openapi) => {
      schema(openapi, 'Product').properties.name.type = ['string', 'null'];
    },
    ['GET /api/v1/products 200 data entry name: null is not allowed by both'],
  ],
  [
    'a field of a request that is newly required',
    (openapi) => schema(openapi, 'BulkStatusChange').required.push('note'),
    ['POST /api/v1/orders/bulk-status body: note is newly required'],
  ],
  [
    'a field of a request that may not be null any more',
    (openapi) => {
      schema(openapi, 'Disconnect').properties.reason.type = 'string';
    },
    ['POST /api/v1/admin/users/{id}/disconnect body reason: null is not allowed by both'],
  ],
  [
    'a word that is not taken any more',
    (openapi) => {
      schema(openapi, 'Device').properties.platform.enum = ['android', 'ios'];
    },
    [
      'POST /api/v1/devices body platform: web was removed',
      'POST /api/v1/device-tokens body platform: web was removed',
    ],
  ],
  [
    'a removed parameter',
    (openapi) => openapi.paths['/api/v1/products'].get.parameters.pop(),
    ['GET /api/v1/products: the query parameter storeId was removed'],
  ],
  [
    'a parameter that is newly required',
    (openapi) => {
      openapi.paths['/api/v1/products'].get.parameters[0].required = true;
    },
    ['GET /api/v1/products: the query parameter storeId is newly required'],
  ],
  [
    'a body that is newly required',
    (openapi) => {
      openapi.paths['/api/v1/auth/logout'].post.requestBody.required = true;
    },
    ['POST /api/v1/auth/logout: a body is newly required'],
  ],
  [
    'a removed answer',
    (openapi) => delete openapi.paths['/api/v1/auth/me'].get.responses['401'],
    ['GET /api/v1/auth/me 401 was removed'],
  ],
  [
    'a removed message',
    (_, asyncapi) => asyncapi.operations.fromClient.messages.pop(),
    ['fromClient: the message presence was removed'],
  ],
  [
    'a field of a client’s message that is newly required',
    (_openapi, _asyncapi, file) => file('subscribe').required.push('since'),
    ['subscribe: since is newly required'],
  ],
  [
    'a field of a server’s message that may be missing now',
    (_openapi, _asyncapi, file) => {
      file('hello').required = ['type'];
    },
    ['hello: epoch is no longer required'],
  ],
]) {
  test(`${name} is found`, () => assert.deepEqual(afterChange(change), expected));
}

test('a field that the order loses is found over REST and over WebSockets', () => {
  const changes = afterChange((_openapi, _asyncapi, file) => {
    const order = file('order');
    delete order.properties.number;
    order.required = without(order.required, 'number');
  });
  assert.ok(changes.includes('GET /api/v1/orders 200 data entry: number was removed'));
  assert.ok(changes.includes('orderUpdated data: number was removed'));
});
