// @vitest-environment jsdom
// SPDX-License-Identifier: MIT

import { act, StrictMode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { OrderPage } from '../src/api.ts';
import { OrderClient } from '../src/order-client.ts';
import { OrderClientProvider, type OrderList, useOrderList } from '../src/react/index.ts';
import type { Order } from '../src/types.ts';
import { FakeEnvironment, makeOrder, settle, updated } from './fake-environment.ts';

let environment: FakeEnvironment;
let client: OrderClient;
let root: Root;
let container: HTMLElement;
let rows: Order[];
let shown: OrderList;

const query = { status: null, page: 1, pageSize: 20 };
const list = async (): Promise<OrderPage> => ({
  orders: rows,
  meta: { total: rows.length, page: 1, pageSize: 20, totalPages: 1 },
});

function List() {
  shown = useOrderList({ list, query });
  return null;
}

beforeEach(async () => {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
  environment = new FakeEnvironment();
  client = new OrderClient({
    url: 'ws://shop.test/ws',
    getToken: async () => 'token',
    environment,
  });
  container = document.body.appendChild(document.createElement('div'));
  root = createRoot(container);
  rows = Array.from({ length: 20 }, (_, index) => makeOrder(`o-${index}`, 5));
  await act(async () => {
    root.render(
      <StrictMode>
        <OrderClientProvider client={client}>
          <List />
        </OrderClientProvider>
      </StrictMode>,
    );
    await settle();
  });
  await act(async () => environment.socket.goLive());
});
afterEach(async () => {
  await act(async () => root.unmount());
  container.remove();
});

async function receive(message: unknown): Promise<void> {
  await act(async () => {
    environment.socket.receive(message);
    await settle();
  });
}
const versions = () => Object.fromEntries((shown.orders ?? []).map((o) => [o.id, o.version]));
const subscriptions = () =>
  environment.socket.sent
    .filter(({ type }) => type !== 'ping')
    .map(({ type, orderId, since }) => [type, orderId, since]);

it('asks for its rows from the version that it has', () => {
  expect(subscriptions()).toHaveLength(20);
  expect(subscriptions()[0]).toEqual(['subscribe', 'o-0', 5]);
});

it('tells the server only what changed when an order comes in', async () => {
  environment.socket.sent.length = 0;
  rows = [makeOrder('o-new', 1), ...rows.slice(0, 19)];
  await receive({ type: 'orders:changed', orderId: 'o-new', status: 'PENDING' });
  expect(subscriptions()).toEqual([
    ['unsubscribe', 'o-19', undefined],
    ['subscribe', 'o-new', 1],
  ]);
  await receive(updated(makeOrder('o-1', 6)));
  expect(versions()).toMatchObject({ 'o-new': 1, 'o-1': 6 });
});

it('remembers nothing of what has left the page', async () => {
  for (let day = 0; day < 50; day += 1) {
    rows = [makeOrder(`new-${day}`, 1), ...rows.slice(0, 19)];
    await receive({ type: 'orders:changed', orderId: `new-${day}`, status: 'PENDING' });
  }
  expect(shown.orders).toHaveLength(20);
  expect(shown.changed.size).toBeLessThanOrEqual(20);
});

it('takes the smaller versions of another store', async () => {
  await receive({ type: 'hello', epoch: 'one', node: '' });
  rows = rows.map(({ id }) => makeOrder(id, 2));
  await receive({ type: 'hello', epoch: 'two', node: '' });
  expect(versions()).toMatchObject({ 'o-0': 2, 'o-19': 2 });
  await receive(updated(makeOrder('o-0', 3)));
  expect(versions()).toMatchObject({ 'o-0': 3 });
});

it('leaves everything with the component', async () => {
  environment.socket.sent.length = 0;
  await act(async () => root.unmount());
  expect(subscriptions().filter(([type]) => type === 'unsubscribe')).toHaveLength(20);
  root = createRoot(container);
});
