// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';

/** The head of a table. `columns` maps each name to its CSS class; '' for none. */
export function TableHead(props: { columns: Readonly<Record<string, string>> }): ReactNode {
  return (
    <thead>
      <tr>
        {Object.entries(props.columns).map(([name, className]) => (
          <th key={name} scope="col" className={className || undefined}>
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}
