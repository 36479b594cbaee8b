// SPDX-License-Identifier: MIT

import { orderStatuses } from '@ordercast/client';
import { statusNames } from '@ordercast/client/format';
import type { OrderCounts } from '@ordercast/client/staff';
import type { ReactNode } from 'react';
import { hrefOf, type ListRoute, openStatuses, type Tab, tabs } from '../route.ts';

export const tabName = (tab: Tab): string =>
  tab === 'OPEN' ? 'Open' : tab === 'ALL' ? 'All' : statusNames[tab];

export function countOf(counts: OrderCounts, tab: Tab): number {
  const statuses = tab === 'OPEN' ? openStatuses : tab === 'ALL' ? orderStatuses : [tab];
  return statuses.reduce((total, status) => total + (counts.byStatus[status] ?? 0), 0);
}

export function Tabs(props: {
  list: ListRoute;
  counts: OrderCounts | undefined;
  /** How many orders the list of the current tab has, once that is known. */
  total: number | undefined;
}): ReactNode {
  const { list, counts, total } = props;
  return (
    <nav className="tabs" aria-label="Filter by status">
      {tabs.map((tab) => (
        <a
          key={tab}
          className="tab"
          href={hrefOf({ page: 'orders', list: { ...list, tab, number: 1 } })}
          aria-current={tab === list.tab ? 'page' : undefined}
        >
          {tabName(tab)}
          {counts !== undefined && (
            <span className="tab-count">
              {(tab === list.tab ? total : undefined) ?? countOf(counts, tab)}
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}
