// SPDX-License-Identifier: MIT

import type { Order, OrderPage } from '@ordercast/client';
import { beforeEach, describe, expect, it } from 'vitest';
import { makeOrder, settle } from '../../client/test/fake-environment.ts';
import { eraseNotebook, Notebook } from '../src/logic/notebook.ts';
import { OrderHistory } from '../src/logic/order-history.ts';
import { FakeStorage } from './fake-storage.ts';

let storage: FakeStorage;
let all: Order[];
let asked: (string | undefined)[];
let problem: Error | null;
let now: number;

const numbered = (index: number, version = 1): Order =>
  makeOrder(`o-${index}`, version, { createdAt: new Date(index * 60_000).toISOString() });

/** A server with pages by cursor: a cursor is the id that the page before ended with. */
async function list(query: { cursor?: string; pageSize: number }): Promise<OrderPage> {
  asked.push(query.cursor);
  if (problem !== null) throw problem;
  const start = query.cursor ? all.findIndex(({ id }) => id === query.cursor) + 1 : 0;
  const orders = all.slice(start, start + query.pageSize);
  const hasMore = start + query.pageSize < all.length;
  const nextCursor = hasMore ? (orders.at(-1)?.id ?? null) : null;
  return {
    orders,
    meta: { total: all.length, page: 1, pageSize: query.pageSize, totalPages: 1, nextCursor },
  };
}

const makeHistory = (owner = 'user-1'): OrderHistory =>
  new OrderHistory({ list, notebook: new Notebook(storage, owner), now: () => now });
const ids = (history: OrderHistory): string[] =>
  (history.getState().orders ?? []).map(({ id }) => id);

beforeEach(() => {
  storage = new FakeStorage();
  all = Array.from({ length: 45 }, (_, index) => numbered(100 - index));
  asked = [];
  problem = null;
  now = 1_000_000;
});

describe('pages', () => {
  it('shows all orders, each once', async () => {
    const history = makeHistory();
    await history.reload();
    expect(ids(history)).toHaveLength(20);
    await history.loadMore();
    await history.loadMore();
    expect(ids(history)).toEqual(all.map(({ id }) => id));
    expect(history.getState().hasMore).toBe(false);
    await history.loadMore();
    expect(asked).toEqual([undefined, 'o-81', 'o-61']);
  });

  it('keeps the older pages when the newest one comes again', async () => {
    const history = makeHistory();
    await history.reload();
    await history.loadMore();
    all = [numbered(101), ...all];
    await history.reload();
    expect(ids(history)).toEqual(all.slice(0, 41).map(({ id }) => id));
    await history.loadMore();
    expect(ids(history)).toHaveLength(46);
  });

  it('begins anew if so many orders came that the newest page does not reach what is held', async () => {
    const history = makeHistory();
    await history.reload();
    all = [...Array.from({ length: 30 }, (_, index) => numbered(130 - index)), ...all];
    await history.reload();
    expect(ids(history)).toEqual(all.slice(0, 20).map(({ id }) => id));
    await history.loadMore();
    expect(ids(history)).toEqual(all.slice(0, 40).map(({ id }) => id));
  });

  it('asks once at a time, and once more for hints that came meanwhile', async () => {
    const history = makeHistory();
    await Promise.all([history.reload(), history.reload(), history.reload()]);
    await settle();
    expect(asked).toHaveLength(2);
  });

  it('says what went wrong, and forgets it when the cause is gone', async () => {
    const history = makeHistory();
    await history.reload();
    problem = new Error('down');
    await history.loadMore();
    expect(history.getState()).toMatchObject({ problem, isLoadingMore: false });
    problem = null;
    await history.loadMore();
    expect(history.getState().problem).toBeUndefined();
  });
});

describe('changes', () => {
  it.each([5, 45])('takes newer states alone, of %i orders', async (count) => {
    all = all.slice(0, count);
    const history = makeHistory();
    await history.reload();
    history.offer({ ...numbered(100, 3), status: 'READY' });
    history.offer({ ...numbered(100, 2), status: 'CONFIRMED' });
    expect(history.find('o-100')?.status).toBe('READY');
    await history.reload(); // An answer that the push has overtaken.
    expect(history.find('o-100')?.status).toBe('READY');
  });

  it('takes a new order, but no old one whose page is not there yet', async () => {
    const history = makeHistory();
    await history.reload();
    history.offer(numbered(101));
    history.offer(numbered(60));
    expect(ids(history)[0]).toBe('o-101');
    expect(ids(history)).not.toContain('o-60');
  });

  it('does not compare versions of two stores', async () => {
    const history = makeHistory();
    await history.reload();
    history.offer(numbered(100, 9));
    history.forgetVersions();
    await history.reload();
    expect(history.find('o-100')?.version).toBe(1);
  });
});

describe('what was known last', () => {
  it('is shown until the server has answered, and says when it was', async () => {
    await makeHistory().reload();
    now += 5000;
    const history = makeHistory();
    await history.restore();
    expect(history.getState()).toMatchObject({ isOld: true, fetchedAt: 1_000_000 });
    expect(ids(history)).toHaveLength(20);
    problem = new Error('down');
    await history.reload();
    expect(history.getState()).toMatchObject({ isOld: true, fetchedAt: 1_000_000, problem });
    problem = null;
    await history.reload();
    expect(history.getState()).toMatchObject({ isOld: false, fetchedAt: now });
  });

  it('does not undo an answer that was faster', async () => {
    await makeHistory().reload();
    all = [];
    const history = makeHistory();
    await history.reload();
    await history.restore();
    expect(ids(history)).toEqual([]);
  });

  it('is one user’s alone', async () => {
    await makeHistory().reload();
    const other = makeHistory('user-2');
    await other.restore();
    expect(other.getState().orders).toBeUndefined();
  });

  it('is gone once it is erased', async () => {
    await makeHistory().reload();
    expect(storage.entries.size).toBe(1);
    await eraseNotebook(storage);
    expect(storage.entries.size).toBe(0);
  });

  it('may be nonsense or impossible to store', async () => {
    const nonsense = { owner: 'user-1', content: { savedAt: 1, orders: [7] } };
    storage.set('ordercast-mobile-orders', JSON.stringify(nonsense));
    const history = makeHistory();
    await history.restore();
    expect(ids(history)).toEqual([]);
    storage.isBroken = true;
    await history.reload();
    expect(ids(history)).toHaveLength(20);
    await eraseNotebook(storage);
  });
});
