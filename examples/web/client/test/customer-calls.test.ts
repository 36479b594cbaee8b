// SPDX-License-Identifier: MIT

import { expect, it } from 'vitest';
import { OrderApi } from '../src/api.ts';
import { Session } from '../src/session.ts';
import { FakeEnvironment, makeOrder } from './fake-environment.ts';
import { json, key, SharedStorage } from './fake-server-session.ts';

function setUp(answer: unknown) {
  const asked: { url: string; init: RequestInit | undefined }[] = [];
  const session = new Session({
    origin: 'https://shop.test',
    storage: new SharedStorage(),
    fetch: async (url, init) => {
      asked.push({ url, init });
      return json(200, answer);
    },
    storageKey: key,
    environment: new FakeEnvironment(),
  });
  return { api: new OrderApi(session), asked };
}

it('sends the key with a new order, so that asking again orders nothing more', async () => {
  const { api, asked } = setUp({ success: true, data: makeOrder('o-1', 1) });
  await api.placeOrder(
    {
      storeId: 's-1',
      items: [{ productId: 'milk', quantity: 1 }],
      paymentMethod: 'COD',
      fulfillmentType: 'PICKUP',
    },
    'basket-17',
  );
  expect(asked[0]?.init?.headers).toMatchObject({ 'Idempotency-Key': 'basket-17' });
});

it('asks for the page after a cursor and says where the next one starts', async () => {
  const meta = { total: 40, page: 1, pageSize: 20, totalPages: 2 };
  const { api, asked } = setUp({ success: true, data: [], meta: { ...meta, nextCursor: 'n/2' } });
  const page = await api.listOrders({ cursor: 'n/1', pageSize: 20 });
  expect(asked[0]?.url).toBe('https://shop.test/api/v1/orders?cursor=n%2F1&pageSize=20');
  expect(page.meta).toEqual({ ...meta, nextCursor: 'n/2' });
});

it('does without cursors where the server has none', async () => {
  const meta = { total: 0, page: 1, pageSize: 20, totalPages: 0 };
  const { api } = setUp({ success: true, data: [], meta });
  expect((await api.listOrders({ page: 1 })).meta).toEqual(meta);
});
