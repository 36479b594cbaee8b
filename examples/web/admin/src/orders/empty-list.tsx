// SPDX-License-Identifier: MIT

import { statusNames } from '@ordercast/client/format';
import type { OrderCounts } from '@ordercast/client/staff';
import type { ReactNode } from 'react';
import { filterNames, firstList, hrefOf, type ListRoute } from '../route.ts';
import { countOf, tabName } from './tabs.tsx';

const hrefOfList = (list: ListRoute): string =>
  hrefOf({ page: 'orders', list: { ...list, number: 1 } });

/** What an empty list says, and where it leads. */
export function EmptyList(props: {
  list: ListRoute;
  counts: OrderCounts | undefined;
  /** How many pages there are, if this is none of them. */
  pages: number | null;
}): ReactNode {
  const { list, counts, pages } = props;
  if (pages !== null) {
    return (
      <p className="empty">
        There is no page {list.number}:{' '}
        {pages <= 1 ? 'there is one page.' : `there are ${pages} pages.`}{' '}
        <a href={hrefOf({ page: 'orders', list: { ...list, number: Math.max(1, pages) } })}>
          Go to the last page
        </a>
      </p>
    );
  }
  if (filterNames.some((name) => list.filters[name])) {
    return <NoMatch list={list} elsewhere={counts === undefined ? 0 : countOf(counts, 'ALL')} />;
  }
  if (list.tab === 'OPEN')
    return <p className="empty">All done. New orders appear here at once.</p>;
  if (list.tab === 'ALL') return <p className="empty">No orders yet.</p>;
  return (
    <p className="empty">
      No order is {statusNames[list.tab].toLowerCase()} right now.{' '}
      <a href={hrefOf({ page: 'orders', list: firstList })}>Open orders</a>
    </p>
  );
}

/** `elsewhere`: how many orders of other tabs fit. */
function NoMatch(props: { list: ListRoute; elsewhere: number }): ReactNode {
  const { list, elsewhere } = props;
  const { q, ...others } = list.filters;
  const isFiltered = filterNames.some((name) => name !== 'q' && list.filters[name]);
  const leadsOn = list.tab !== 'ALL' && elsewhere > 0;
  return (
    <div className="empty">
      <p>
        {list.tab === 'ALL' ? 'No order fits' : `No order under “${tabName(list.tab)}” fits`}
        {q ? ` “${q}”` : ''}
        {q && isFiltered ? ' and the filters.' : isFiltered ? ' the filters.' : '.'}
      </p>
      <div className="empty-ways">
        {leadsOn && (
          <a className="button" data-look="primary" href={hrefOfList({ ...list, tab: 'ALL' })}>
            {elsewhere === 1 ? 'Show the one match' : `Show all ${elsewhere} matches`}
          </a>
        )}
        {isFiltered && (
          <a className="button" href={hrefOfList({ ...list, filters: q ? { q } : {} })}>
            Clear the filters
          </a>
        )}
        {q && (
          <a className="button" href={hrefOfList({ ...list, filters: others })}>
            Clear the search
          </a>
        )}
      </div>
    </div>
  );
}
