// SPDX-License-Identifier: MIT

import { ApiError, type Order, OrderClient } from '@ordercast/client';
import type { StaffPage, StaffQuery } from '@ordercast/client/staff';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeEnvironment, makeOrder, settle, updated } from '../../client/test/fake-environment.ts';
import { OrderFeed } from '../src/orders/order-feed.ts';
import { Pace } from '../src/orders/paced.ts';

const query: StaffQuery = {
  statuses: ['PENDING', 'CONFIRMED'],
  sortOrder: 'asc',
  page: 1,
  pageSize: 50,
};

let environment: FakeEnvironment;
let client: OrderClient;
let feed: OrderFeed;
let server: Order[];
let pages: number;
let asked: number[];
let counted: number;
let byStatus: Record<string, number>;
let problem: unknown;
let online: () => void;

beforeEach(async () => {
  environment = new FakeEnvironment();
  environment.lifecycle.onOnlineChange = ((listener: () => void) => {
    online = listener;
    return () => undefined;
  }) as typeof environment.lifecycle.onOnlineChange;
  client = new OrderClient({ url: 'ws://shop.test/ws', getToken: async () => 't', environment });
  server = [makeOrder('a', 1), makeOrder('b', 1)];
  pages = 1;
  asked = [];
  counted = 0;
  byStatus = { PENDING: 2, DELIVERED: 7 };
  problem = undefined;
  const pace = new Pace(2000);
  feed = new OrderFeed({
    client,
    query,
    list: async (): Promise<StaffPage> => {
      asked.push(environment.now());
      if (problem !== undefined) throw problem;
      const meta = { total: server.length, page: 1, pageSize: 50, totalPages: pages };
      return { orders: server, meta, unreadable: 0 };
    },
    count: async () => {
      counted += 1;
      return { total: 2, byStatus };
    },
    timers: environment.timers,
    now: () => environment.now(),
    pace,
    countPace: new Pace(2000),
  });
  feed.start();
  await settle();
  environment.socket.goLive();
  await environment.pass(5000);
  asked = [];
  counted = 0;
});
afterEach(() => {
  feed.stop();
  client.close();
});

const shown = () => feed.get().orders?.map(({ id, version }) => `${id}${version}`);
async function receive(message: unknown): Promise<void> {
  environment.socket.receive(message);
  await settle();
}
const hint = (orderId: string, status = 'PENDING') => ({ type: 'orders:changed', orderId, status });

it('fetches nothing for rows that come by socket', async () => {
  for (let version = 2; version < 30; version += 1) {
    await receive(updated(makeOrder('a', version)));
    await receive(hint('a'));
    await environment.pass(100);
  }
  expect(asked).toEqual([]);
  expect(shown()).toEqual(['a29', 'b1']);
});

it('asks for one list in two seconds, however many orders come', async () => {
  for (let order = 0; order < 100; order += 1) {
    await receive(hint(`new-${order}`));
    await environment.pass(100);
  }
  expect(asked.length).toBeGreaterThan(3);
  expect(asked.length).toBeLessThanOrEqual(6);
  for (const [index, at] of asked.slice(1).entries()) {
    expect(at - (asked[index] ?? 0)).toBeGreaterThanOrEqual(2000);
  }
  expect(counted).toBeLessThanOrEqual(6);
});

it('does not ask for a list where an order can’t be in it', async () => {
  await receive(hint('far', 'DELIVERED'));
  await environment.pass(5000);
  expect(asked).toEqual([]);
});

it('asks for an order that comes back, if that is told before its new state has come', async () => {
  feed.keep(['a', 'b']);
  await receive(updated(makeOrder('a', 2, { status: 'CANCELLED' })));
  server = [makeOrder('a', 3, { status: 'CONFIRMED' }), makeOrder('b', 1)];
  await receive(hint('a', 'CONFIRMED'));
  await environment.pass(2000);
  expect([shown(), asked.length]).toEqual([['a3', 'b1'], 1]);
});

it('lets a row go that belongs there no more, and asks for the next one where there are more', async () => {
  await receive(updated(makeOrder('a', 2, { status: 'CANCELLED' })));
  await environment.pass(5000);
  expect([shown(), asked.length]).toEqual([['b1'], 0]);
  expect(feed.get().meta?.total).toBe(1);
  expect(feed.newest('a')?.status).toBe('CANCELLED');
  pages = 2;
  await feed.reload();
  asked = [];
  await receive(updated(makeOrder('b', 2, { status: 'CANCELLED' })));
  await environment.pass(2000);
  expect(asked).toHaveLength(1);
});

it('loads again by itself after a failure, with longer and longer waits', async () => {
  problem = new ApiError(503, 'Unavailable', 'Busy');
  await feed.reload();
  expect(feed.get().problem).toBe(problem);
  await environment.pass(60_000);
  expect(asked.length).toBeGreaterThan(3);
  expect(asked.length).toBeLessThan(9);
  problem = undefined;
  await environment.pass(30_000);
  expect(feed.get().problem).toBeUndefined();
});

it('loads again at once when the network is back', async () => {
  problem = new ApiError(0, 'Unreachable', 'No');
  await feed.reload();
  await environment.pass(1900);
  problem = undefined;
  online();
  await environment.pass(100);
  expect(feed.get().problem).toBeUndefined();
});

it('does not ask again what the server can’t read', async () => {
  problem = new ApiError(400, 'Bad Request', 'dateFrom');
  await feed.reload();
  asked = [];
  await environment.pass(120_000);
  expect(asked.length).toBeLessThanOrEqual(2); // The poll of a connection that is gone.
});

it('goes on watching a row that is still on the screen', async () => {
  feed.keep(['a', 'b']);
  server = [makeOrder('b', 1)];
  await feed.reload();
  await receive(updated(makeOrder('a', 3, { status: 'CANCELLED' })));
  expect(feed.newest('a')?.version).toBe(3);
  feed.keep(['b']);
  expect(feed.newest('a')).toBeUndefined();
});

it('never counts otherwise than it lists, however late the counts are', async () => {
  const counts = () => feed.get().counts?.byStatus;
  expect(counts()).toMatchObject({ PENDING: 2, CONFIRMED: 0, DELIVERED: 7 });
  await receive(updated(makeOrder('a', 2, { status: 'CONFIRMED' })));
  expect(counts()).toMatchObject({ PENDING: 1, CONFIRMED: 1 });
  await receive(updated(makeOrder('a', 3, { status: 'DELIVERED' })));
  expect(counts()).toMatchObject({ PENDING: 1, CONFIRMED: 0, DELIVERED: 8 });
  await environment.pass(5000); // The server's count is old still.
  expect(counts()).toMatchObject({ PENDING: 1, CONFIRMED: 0 });
  byStatus = { PENDING: 5, DELIVERED: 8 };
  await receive(hint('far', 'DELIVERED'));
  await environment.pass(2000);
  expect(counts()).toMatchObject({ PENDING: 1, DELIVERED: 8 });
});
