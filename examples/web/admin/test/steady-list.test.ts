// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { describe, expect, it } from 'vitest';
import { makeOrder } from '../../client/test/fake-environment.ts';
import {
  arrange,
  emptyList,
  holdMs,
  nextMove,
  type SteadyList,
  showAll,
} from '../src/desk/steady-list.ts';

const rows = (...ids: string[]): Order[] => ids.map((id) => makeOrder(id, 1));
const ids = (list: SteadyList): string => list.rows.map(({ id }) => id).join('');

function next(
  list: SteadyList,
  belonging: readonly Order[],
  more: { isEngaged?: boolean; now?: number; gone?: readonly Order[] } = {},
): SteadyList {
  const { isEngaged = false, now = 0, gone = [] } = more;
  const newest = (orderId: string) => gone.find(({ id }) => id === orderId);
  return arrange(list, { belonging, newest, isEngaged, now });
}
const start = next(emptyList, rows('a', 'b', 'c'));

describe('while a user is at the list', () => {
  it('lets new rows wait', () => {
    const list = next(start, rows('x', 'a', 'y', 'b', 'c'), { isEngaged: true });
    expect(ids(list)).toBe('abc');
    expect(list.waiting.map(({ id }) => id)).toEqual(['x', 'y']);
  });

  it('keeps what belongs there no more, with its new state', () => {
    const gone = [makeOrder('a', 2, { status: 'DELIVERED' })];
    const list = next(start, rows('b', 'c'), { isEngaged: true, now: holdMs * 10, gone });
    expect(ids(list)).toBe('abc');
    expect(list.rows[0]?.status).toBe('DELIVERED');
    expect([...list.leaving]).toEqual(['a']);
  });

  it('shows all when asked to, the new ones marked', () => {
    const waiting = next(start, rows('x', 'a', 'b', 'c'), { isEngaged: true });
    const list = showAll(waiting, rows('x', 'a', 'b', 'c'), 100);
    expect(ids(list)).toBe('xabc');
    expect(list.waiting).toEqual([]);
    expect([...list.arrived]).toEqual([['x', 100 + holdMs]]);
  });

  it('fills an empty list: there is nothing that could move', () => {
    expect(ids(next(emptyList, rows('a'), { isEngaged: true }))).toBe('a');
  });
});

describe('while no user is at the list', () => {
  it('puts new rows where they belong, marked for a while', () => {
    const list = next(start, rows('x', 'a', 'b', 'c'));
    expect(ids(list)).toBe('xabc');
    expect([...list.arrived.keys()]).toEqual(['x']);
    expect(next(list, rows('x', 'a', 'b', 'c'), { now: holdMs + 1 }).arrived.size).toBe(0);
  });

  it('marks nothing in a list that was just opened', () => {
    expect(start.arrived.size).toBe(0);
  });

  it('holds a row that has changed for five seconds, also one that leaves', () => {
    const changed = makeOrder('b', 2, { status: 'DELIVERED' });
    const held = next(start, rows('a', 'c'), { now: 1000, gone: [changed] });
    expect(ids(held)).toBe('abc');
    expect(nextMove(held)).toBe(1000 + holdMs);
    expect(ids(next(held, rows('a', 'c'), { now: 1000 + holdMs - 1, gone: [changed] }))).toBe(
      'abc',
    );
    expect(ids(next(held, rows('a', 'c'), { now: 1000 + holdMs, gone: [changed] }))).toBe('ac');
  });

  it('holds a row in its place when its list is sorted anew', () => {
    const moved = [makeOrder('c', 2), ...rows('a', 'b')];
    const held = next(start, moved, { now: 0 });
    expect(ids(held)).toBe('abc');
    expect(ids(next(held, moved, { now: holdMs }))).toBe('cab');
  });

  it('lets nothing move by itself when all has settled', () => {
    expect(nextMove(start)).toBeNull();
  });
});
