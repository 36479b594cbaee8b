// SPDX-License-Identifier: MIT

import type { Order, PageMeta } from '@ordercast/client';
import type { OrderCounts, StaffQuery } from '@ordercast/client/staff';

/** What the list knows while the server's counts are older or newer than it. */
export interface Listed {
  readonly query: StaffQuery;
  readonly orders: readonly Order[] | undefined;
  readonly meta: PageMeta | undefined;
  readonly unreadable: number;
}

/**
 * The counts as they agree with the list beside them: the two are asked for apart, and a tab must never say 1 over an
 * empty list. What the list has whole is counted in it.
 */
export function agreeingCounts(counts: OrderCounts, listed: Listed): OrderCounts {
  const { orders, meta, unreadable } = listed;
  const { statuses } = listed.query;
  if (orders === undefined || meta === undefined) return counts;
  const byStatus = { ...counts.byStatus };
  const [only] = statuses;
  if (meta.totalPages <= 1 && unreadable === 0 && meta.total <= orders.length) {
    const counted = statuses.length > 0 ? statuses : Object.keys(byStatus);
    for (const status of counted) byStatus[status] = 0;
    for (const { status } of orders) byStatus[status] = (byStatus[status] ?? 0) + 1;
  } else if (statuses.length === 1 && only !== undefined) {
    byStatus[only] = meta.total;
  }
  return { ...counts, byStatus };
}

/** The counts after one order has changed, until the server has counted again. */
export function countsAfter(
  counts: OrderCounts,
  query: StaffQuery,
  before: Order,
  after: Order,
): OrderCounts {
  const byStatus = { ...counts.byStatus };
  const add = ({ status, paymentStatus }: Order, by: 1 | -1): void => {
    if (query.paymentStatus && query.paymentStatus !== paymentStatus) return;
    byStatus[status] = Math.max(0, (byStatus[status] ?? 0) + by);
  };
  add(before, -1);
  add(after, 1);
  return { ...counts, byStatus };
}
