// SPDX-License-Identifier: MIT

import { type Order, statusPath } from '@ordercast/client';
import { statusName } from '@ordercast/client/format';
import type { ReactNode } from 'react';

/** Shows the order's progress; for a cancelled order, how far it came. */
export function ProgressPath(props: { order: Order }): ReactNode {
  const { order } = props;
  const path = statusPath(order.fulfillmentType);
  const cancelled = order.status === 'CANCELLED';
  const reached = new Set(order.statusLogs.map(({ status }) => status));
  const steps: readonly string[] = cancelled
    ? [...path.filter((status) => reached.has(status)), 'CANCELLED' as const]
    : path;
  const at = steps.indexOf(order.status);
  return (
    <ol className="path" data-cancelled={cancelled || undefined}>
      {steps.map((status, index) => (
        <li
          key={status}
          data-step={index < at ? 'done' : index === at ? 'now' : 'to-come'}
          aria-current={index === at ? 'step' : undefined}
        >
          <span className="path-dot" aria-hidden="true" />
          <span className="path-name">
            {statusName(status)}
            {index < at && <span className="sr-only"> (done)</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}
