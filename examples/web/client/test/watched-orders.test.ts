// SPDX-License-Identifier: MIT

import { expect, it } from 'vitest';
import { WatchedOrders } from '../src/watched-orders.ts';

it('watches the orders that come and leaves those that go, and no others', () => {
  const told: string[] = [];
  const watched = new WatchedOrders((id) => {
    told.push(`+${id}`);
    return () => told.push(`-${id}`);
  });
  watched.set(['a', 'b']);
  watched.set(['b', 'c']);
  watched.set(['b', 'c']);
  watched.set([]);
  expect(told).toEqual(['+a', '+b', '-a', '+c', '-b', '-c']);
});
