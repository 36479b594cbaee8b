// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';

export const kitchenStatuses = ['PENDING', 'CONFIRMED', 'PREPARING', 'READY'] as const;

export interface Group {
  /** Null where the column needs no names for its parts. */
  readonly name: string | null;
  readonly orders: readonly Order[];
}

export interface Column {
  readonly name: string;
  /** How many orders wait for somebody here. */
  readonly count: number;
  /** The groups that are not empty. */
  readonly groups: readonly Group[];
}

/** The kitchen's three columns, each group in the sequence of the orders. */
export function columnsOf(orders: readonly Order[]): readonly Column[] {
  const of = (status: string): readonly Order[] =>
    orders.filter((order) => order.status === status);
  const unpaid = orders.filter(isUnpaidOnline);
  const toConfirm = of('PENDING').filter((order) => !isUnpaidOnline(order));
  const toPrepare = of('CONFIRMED');
  return [
    {
      name: 'New',
      count: toConfirm.length + toPrepare.length,
      groups: [
        { name: 'To confirm', orders: toConfirm },
        { name: 'To prepare', orders: toPrepare },
        { name: 'Waits for its payment', orders: unpaid },
      ].filter((group) => group.orders.length > 0),
    },
    plainColumn('Preparing', of('PREPARING')),
    plainColumn('Ready', of('READY')),
  ];
}

function plainColumn(name: string, orders: readonly Order[]): Column {
  const groups = orders.length === 0 ? [] : [{ name: null, orders }];
  return { name, count: orders.length, groups };
}

/** Nobody cooks this yet: its customer may still pay, or not. */
export function isUnpaidOnline(order: Order): boolean {
  const { status, paymentMethod, paymentStatus } = order;
  return status === 'PENDING' && paymentMethod === 'ONLINE' && paymentStatus !== 'PAID';
}

/**
 * What a tap on a card means: the card, its step, and all that stands above it in these columns. If a card above goes, this one moves
 * up under a finger that was meant for another.
 */
export function meaningOf(columns: readonly Column[], orderId: string, step: string): string {
  const ids = columns.flatMap(({ groups }) =>
    groups.flatMap(({ orders }) => orders.map(({ id }) => id)),
  );
  return `${ids.slice(0, ids.indexOf(orderId) + 1).join(' ')} ${step}`;
}
