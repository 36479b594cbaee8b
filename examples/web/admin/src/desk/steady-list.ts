// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';

/** How long a row that has changed keeps its place. */
export const holdMs = 5000;

/**
 * What a list shows, so that nothing moves under a pointer. While the user is at the list (`isEngaged`), its rows stay
 * where they are: new ones wait, and what no longer belongs there stays, changed. Otherwise only a row that has just
 * changed keeps its place, for `holdMs`.
 */
export interface SteadyList {
  /** What is shown, in this sequence. */
  readonly rows: readonly Order[];
  /** What is not shown yet. */
  readonly waiting: readonly Order[];
  /** The rows that are shown and belong there no more. */
  readonly leaving: ReadonlySet<string>;
  /** Until when each row that has changed keeps its place. */
  readonly holds: ReadonlyMap<string, number>;
  /** Until when each row that has come by itself is shown as new. */
  readonly arrived: ReadonlyMap<string, number>;
}

export const emptyList: SteadyList = {
  rows: [],
  waiting: [],
  leaving: new Set(),
  holds: new Map(),
  arrived: new Map(),
};

export interface Arrival {
  /** The rows that belong there, in the list's sequence. */
  readonly belonging: readonly Order[];
  /** The newest state of a row that may belong there no more. */
  readonly newest: (orderId: string) => Order | undefined;
  readonly isEngaged: boolean;
  readonly now: number;
}

/** The next thing to show. */
export function arrange(shown: SteadyList, arrival: Arrival): SteadyList {
  const { belonging, newest, isEngaged, now } = arrival;
  const incoming = new Map(belonging.map((order) => [order.id, order]));
  const holds = stillDue(shown.holds, now);
  for (const row of shown.rows) {
    const current = incoming.get(row.id) ?? newest(row.id);
    if (current !== undefined && current.version > row.version) holds.set(row.id, now + holdMs);
  }
  const stays = (id: string): boolean => incoming.has(id) || isEngaged || holds.has(id);
  const kept = shown.rows
    .filter(({ id }) => stays(id))
    .map((row) => incoming.get(row.id) ?? newest(row.id) ?? row);
  const keptIds = new Set(kept.map(({ id }) => id));
  for (const id of [...holds.keys()]) if (!keptIds.has(id)) holds.delete(id);
  const leaving = new Set([...keptIds].filter((id) => !incoming.has(id)));
  const others = belonging.filter(({ id }) => !keptIds.has(id));
  const arrived = stillDue(shown.arrived, now);
  if (isEngaged && shown.rows.length > 0) {
    return { rows: kept, waiting: others, leaving, holds, arrived };
  }
  if (shown.rows.length > 0) for (const { id } of others) arrived.set(id, now + holdMs);
  return { rows: place(shown.rows, kept, belonging, holds), waiting: [], leaving, holds, arrived };
}

function stillDue(times: ReadonlyMap<string, number>, now: number): Map<string, number> {
  return new Map([...times].filter(([, until]) => until > now));
}

/** All rows in the list's sequence, but those that are held where they were. */
function place(
  before: readonly Order[],
  kept: readonly Order[],
  belonging: readonly Order[],
  holds: ReadonlyMap<string, number>,
): readonly Order[] {
  const current = new Map(kept.map((order) => [order.id, order]));
  const rows = belonging.filter(({ id }) => !holds.has(id));
  for (const [index, { id }] of before.entries()) {
    const held = holds.has(id) ? current.get(id) : undefined;
    if (held !== undefined) rows.splice(Math.min(index, rows.length), 0, held);
  }
  return rows;
}

/** Shows the rows that wait and removes those that have left, because the user asks for it. */
export function showAll(shown: SteadyList, belonging: readonly Order[], now: number): SteadyList {
  const arrived = stillDue(shown.arrived, now);
  for (const { id } of shown.waiting) arrived.set(id, now + holdMs);
  return { ...emptyList, rows: belonging, arrived };
}

/** When something will change by itself; null if nothing will. */
export function nextMove(list: SteadyList): number | null {
  const times = [...list.holds.values(), ...list.arrived.values()];
  return times.length === 0 ? null : Math.min(...times);
}
