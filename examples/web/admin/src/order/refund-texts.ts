// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { money, statusName } from '@ordercast/client/format';

const texts: Readonly<Record<string, string>> = {
  DUE: 'The money is to go back',
  REQUESTED: 'The provider is giving the money back',
  DONE: 'The money is back',
  FAILED: 'The refund failed: give the money back by hand',
};

/** What becomes of the money of an order that was paid for nothing; null if nothing does. */
export function refundText(
  order: Pick<Order, 'status' | 'paymentStatus' | 'refundStatus'>,
): string | null {
  const { status, paymentStatus, refundStatus } = order;
  if (refundStatus) return texts[refundStatus] ?? statusName(refundStatus);
  const isOwed = status === 'CANCELLED' && paymentStatus === 'PAID';
  return isOwed ? 'Give the money back by hand' : null;
}

/** What cancelling an order does with its money; null if it was not paid. */
export function cancelText(
  order: Pick<Order, 'paymentStatus' | 'paymentMethod' | 'totalAmount'>,
): string | null {
  if (order.paymentStatus !== 'PAID') return null;
  const sum = money(order.totalAmount);
  if (order.paymentMethod === 'ONLINE') return `${sum} will go back.`;
  return `Give ${sum} back by hand.`;
}
