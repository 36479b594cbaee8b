// SPDX-License-Identifier: MIT

import { type Order, statusPath } from '@ordercast/client';
import { noteAuthor, stepWords } from './words.ts';

/** A line of an order's timeline. */
export interface Step {
  readonly key: string;
  readonly text: string;
  /** What is said about it, below. */
  readonly detail: string | null;
  /** When it happened; null if it is still to come. */
  readonly at: string | null;
  readonly isBad: boolean;
}

/** What has happened to an order and, unless it is cancelled, what comes. */
export function stepsOf(order: Order): readonly Step[] {
  const kind = order.fulfillmentType;
  const done = order.statusLogs.map((log, index): Step => {
    const isSame = order.statusLogs[index - 1]?.status === log.status;
    const author = noteAuthor(log.actorRole);
    const note = log.note === null || author === null ? log.note : `${author}: ${log.note}`;
    return {
      key: log.id,
      // The state stayed: then the note is what has happened.
      text: isSame && log.note !== null ? log.note : stepWords(log.status, kind),
      detail: isSame ? null : note,
      at: log.createdAt,
      isBad: log.status === 'CANCELLED' && !isSame,
    };
  });
  const path = statusPath(kind);
  const at = (path as readonly string[]).indexOf(order.status);
  const ahead = at < 0 ? [] : path.slice(at + 1);
  const coming = ahead.map((status): Step => {
    return { key: status, text: stepWords(status, kind), detail: null, at: null, isBad: false };
  });
  return [...done, ...coming];
}
