// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { dateTime, paymentText, statusName } from '@ordercast/client/format';
import type { HistoryEntry } from '@ordercast/client/staff';
import type { ReactNode } from 'react';
import { roleName } from '../desk/permissions.ts';
import { useHistory } from './use-history.ts';

/** Who did which step and when, newest first. */
export function OrderTimeline(props: { order: Order }): ReactNode {
  const { order } = props;
  const history = useHistory(order);
  const entries = history.map((entry, index) => ({
    entry,
    title: titleOf(entry, history[index - 1], order),
  }));
  return (
    <ol className="timeline">
      {entries.reverse().map(({ entry, title }) => (
        <li key={entry.version} data-status={entry.status}>
          <span className="timeline-title">{title}</span>
          <span className="timeline-who dimmed small">
            <time dateTime={entry.createdAt}>{dateTime(entry.createdAt)}</time>
            {entry.actor && ` · ${whoIs(entry.actor)}`}
          </span>
          {entry.note && <p className="timeline-note">{entry.note}</p>}
        </li>
      ))}
    </ol>
  );
}

function titleOf(entry: HistoryEntry, before: HistoryEntry | undefined, order: Order): string {
  if (before === undefined || entry.status !== before.status) return statusName(entry.status);
  if (entry.paymentStatus !== null && entry.paymentStatus !== before.paymentStatus) {
    const { paymentMethod } = order;
    return `Payment: ${paymentText({ paymentMethod, paymentStatus: entry.paymentStatus }).toLowerCase()}`;
  }
  return 'Changed';
}

function whoIs(actor: NonNullable<HistoryEntry['actor']>): string {
  const role = roleName(actor.role);
  return actor.name === '' ? role : `${actor.name}, ${role}`;
}
