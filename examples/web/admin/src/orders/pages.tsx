// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { hrefOf, type ListRoute } from '../route.ts';

/** Links to the first, the last and the pages around this one. */
export function Pages(props: { list: ListRoute; total: number }): ReactNode {
  const { list, total } = props;
  if (total <= 1) return null;
  const near = Array.from({ length: total }, (_, index) => index + 1).filter(
    (page) => page === 1 || page === total || Math.abs(page - list.number) <= 1,
  );
  return (
    <nav className="pages" aria-label="Pages of the list">
      {near.map((page, index) => (
        <span key={page} className="pages-entry">
          {index > 0 && page - (near[index - 1] ?? 0) > 1 && <span aria-hidden="true">…</span>}
          <a
            href={hrefOf({ page: 'orders', list: { ...list, number: page } })}
            aria-label={`Page ${page}`}
            aria-current={page === list.number ? 'page' : undefined}
          >
            {page}
          </a>
        </span>
      ))}
    </nav>
  );
}
