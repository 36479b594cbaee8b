// SPDX-License-Identifier: MIT

import { type Order, type OrderStatus, orderStatuses, type Versioned } from './types';

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

/** Whether it is one of ours: for one of a newer server nothing is offered. */
export function isKnownStatus(status: string): status is OrderStatus {
  return (orderStatuses as readonly string[]).includes(status);
}

export function isFinal(status: string): boolean {
  return status === 'DELIVERED' || status === 'CANCELLED';
}

/** The step forward, if there is one: an order that is picked up is never out for delivery. */
export function nextStatus(order: Pick<Order, 'status' | 'fulfillmentType'>): OrderStatus | null {
  if (order.status === 'READY' && order.fulfillmentType === 'PICKUP') return 'DELIVERED';
  return isKnownStatus(order.status) ? after[order.status] : null;
}

/** All statuses that an order of this kind goes through, in sequence. */
export function statusPath(type: Order['fulfillmentType']): readonly OrderStatus[] {
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
  return isKnownStatus(order.status) && !isFinal(order.status);
}

/** A customer may cancel until the kitchen has started. */
export function mayOwnerCancel(order: Pick<Order, 'status'>): boolean {
  return order.status === 'PENDING' || order.status === 'CONFIRMED';
}

export function mayPay(order: Pick<Order, 'status' | 'paymentMethod' | 'paymentStatus'>): boolean {
  const open = order.paymentStatus === 'PENDING' || order.paymentStatus === 'FAILED';
  return (
    open &&
    order.paymentMethod === 'ONLINE' &&
    isKnownStatus(order.status) &&
    !isFinal(order.status)
  );
}

/** The newer of two states of one order; an answer that was overtaken by a push must not undo it. */
export function newer<T extends Versioned>(held: T | undefined, offered: T): T {
  return held !== undefined && held.version >= offered.version ? held : offered;
}
