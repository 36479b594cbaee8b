// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { OrderFetches } from '../../src/order-client/order-fetches.ts';
import { WatchedOrder } from '../../src/order-client/watched-order.ts';
import type { Order } from '../../src/types.ts';
import { FakeEnvironment, makeOrder } from '../fake-environment.ts';

describe('a watched order', () => {
  it('tells everybody, though one throws, and drops its problem with a new state', () => {
    const problems: unknown[] = [];
    const heard: number[] = [];
    const watched = new WatchedOrder('a', undefined, 0, (problem) => problems.push(problem));
    watched.listeners.add(() => {
      throw new Error('listener');
    });
    watched.listeners.add(({ version }) => heard.push(version));
    watched.observers.add(() => heard.push(0));
    watched.setProblem('lost');
    watched.setProblem('lost');
    expect(heard).toEqual([0]);
    watched.accept(makeOrder('a', 2), 0);
    expect(heard).toEqual([0, 2, 0]);
    expect(watched.snapshot.problem).toBeUndefined();
    expect(problems).toHaveLength(1);
  });

  it('has no version in another generation of the store', () => {
    const watched = new WatchedOrder('a', makeOrder('a', 7), 0, () => undefined);
    expect(watched.version(0)).toBe(7);
    expect(watched.version(1)).toBe(0);
  });
});

describe('fetches', () => {
  it('ask once at a time, and give up after a deadline', async () => {
    const environment = new FakeEnvironment();
    const asked: string[] = [];
    const fetchOrder = (id: string): Promise<Order> => {
      asked.push(id);
      return new Promise(() => undefined);
    };
    const watched = new WatchedOrder('a', undefined, 0, () => undefined);
    const onFetched = (): void => undefined;
    const fetches = new OrderFetches({ fetchOrder, timers: environment.timers, onFetched });
    const first = fetches.fetch(watched);
    await fetches.fetch(watched);
    expect(asked).toEqual(['a']);
    await environment.pass(60_000);
    await first;
    expect(watched.snapshot.problem).toMatchObject({ title: 'Timeout' });
    void fetches.fetch(watched);
    expect(asked).toEqual(['a', 'a']);
  });
});
