// @vitest-environment jsdom
// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { firstList, hrefOf, parseRoute, type Route } from '../src/route.ts';

describe('a route', () => {
  const filters = { q: '#1042 & co', storeId: 'store-1', dateFrom: '2026-05-01' };
  const routes: readonly Route[] = [
    { page: 'orders', list: firstList },
    { page: 'orders', list: { tab: 'ALL', filters, number: 3 } },
    { page: 'order', orderId: 'a/b ü', list: { tab: 'READY', filters, number: 1 } },
    { page: 'kitchen' },
  ];
  it('is in the address whole', () => {
    for (const route of routes) expect(parseRoute(hrefOf(route))).toEqual(route);
  });

  it('shows the open orders where an address makes no sense', () => {
    for (const hash of ['', '#', '#/', '#/nowhere', '#/orders?status=ODD&page=-1']) {
      expect(parseRoute(hash)).toEqual({ page: 'orders', list: firstList });
    }
  });
});
