// SPDX-License-Identifier: MIT

import type { FulfillmentType, Order, OrderStatus, Versioned } from './types.ts';

/** What may follow what. The server decides; this is for offering only what it will take. */

const after: Readonly<Record<OrderStatus, OrderStatus | null>> = {
  PENDING: 'CONFIRMED',
  CONFIRMED: 'PREPARING',
  PREPARING: 'READY',
  READY: 'OUT_FOR_DELIVERY',
  OUT_FOR_DELIVERY: 'DELIVERED',
  DELIVERED: null,
  CANCELLED: null,
};

export function isFinal(status: OrderStatus): boolean {
  return status === 'DELIVERED' || status === 'CANCELLED';
}

/** The step forward, if there is one: an order that is picked up is never out for delivery. */
export function nextStatus(order: Pick<Order, 'status' | 'fulfillmentType'>): OrderStatus | null {
  if (order.status === 'READY' && order.fulfillmentType === 'PICKUP') return 'DELIVERED';
  return after[order.status];
}

/** All statuses that an order of this kind goes through, in sequence. */
export function statusPath(type: FulfillmentType): readonly OrderStatus[] {
  const path: OrderStatus[] = ['PENDING'];
  for (;;) {
    const next = nextStatus({
      status: path[path.length - 1] as OrderStatus,
      fulfillmentType: type,
    });
    if (next === null) return path;
    path.push(next);
  }
}

/** Staff may cancel whatever is not final. */
export function mayStaffCancel(order: Pick<Order, 'status'>): boolean {
  return !isFinal(order.status);
}

/** A customer may cancel until the kitchen has started. */
export function mayOwnerCancel(order: Pick<Order, 'status'>): boolean {
  return order.status === 'PENDING' || order.status === 'CONFIRMED';
}

export function mayPay(order: Pick<Order, 'status' | 'paymentMethod' | 'paymentStatus'>): boolean {
  const open = order.paymentStatus === 'PENDING' || order.paymentStatus === 'FAILED';
  return open && order.paymentMethod === 'ONLINE' && !isFinal(order.status);
}

/** The newer of two states of one order; an answer that was overtaken by a push must not undo it. */
export function newer<T extends Versioned>(held: T | undefined, offered: T): T {
  return held !== undefined && held.version >= offered.version ? held : offered;
}
