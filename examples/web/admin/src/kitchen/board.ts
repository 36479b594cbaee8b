// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';

export const kitchenStatuses = ['PENDING', 'CONFIRMED', 'PREPARING', 'READY'] as const;

export interface Column {
  readonly name: string;
  readonly orders: readonly Order[];
}

/** The kitchen's three columns, each in the sequence of the orders. */
export function columnsOf(orders: readonly Order[]): readonly Column[] {
  const of = (...statuses: readonly string[]): readonly Order[] =>
    orders.filter(({ status }) => statuses.includes(status));
  return [
    { name: 'New', orders: of('PENDING', 'CONFIRMED') },
    { name: 'Preparing', orders: of('PREPARING') },
    { name: 'Ready', orders: of('READY') },
  ];
}

/** Nobody cooks this yet: its customer may still pay, or not. */
export function isUnpaidOnline(order: Order): boolean {
  const { status, paymentMethod, paymentStatus } = order;
  return status === 'PENDING' && paymentMethod === 'ONLINE' && paymentStatus !== 'PAID';
}

/**
 * What a tap on a card means: the card, its step, and all that stands above it. If a card above goes, this one moves
 * up under a finger that was meant for another.
 */
export function meaningOf(column: Column, index: number, step: string): string {
  const above = column.orders.slice(0, index + 1).map(({ id }) => id);
  return `${above.join(' ')} ${step}`;
}
