// SPDX-License-Identifier: MIT

import { isFinal, mayPay, type Order } from '@ordercast/client';
import { clockTime, dateTime, money, shortId, statusName } from '@ordercast/client/format';

/** What the app says about an order: sentences for people, not names of states. */

/** What people call the order on the phone. */
export function orderName(order: Pick<Order, 'id' | 'number'>): string {
  return order.number === undefined ? shortId(order.id) : `#${order.number}`;
}

function shopOf(order: Pick<Order, 'store'>): string {
  return order.store?.name ?? 'the shop';
}

/** What happens with the order now. */
export function statusWords(order: Order): string {
  const isPickup = order.fulfillmentType === 'PICKUP';
  switch (order.status) {
    case 'PENDING':
      return mayPay(order) ? 'Waiting for your payment' : 'Waiting for the shop to confirm';
    case 'CONFIRMED':
      return 'Your order is confirmed';
    case 'PREPARING':
      return 'The shop is packing your order';
    case 'READY':
      return isPickup ? `Ready for you at ${shopOf(order)}` : 'Packed and waiting for a rider';
    case 'OUT_FOR_DELIVERY':
      return 'Your order is on its way';
    case 'DELIVERED':
      return isPickup ? 'You have picked up your order' : 'Your order was delivered';
    case 'CANCELLED':
      return 'Your order was cancelled';
    default:
      return statusName(order.status);
  }
}

/** A step of the order's path, as a past or coming event. */
export function stepWords(status: string, fulfillmentType: string): string {
  const isPickup = fulfillmentType === 'PICKUP';
  const words: Readonly<Record<string, string>> = {
    PENDING: 'Ordered',
    CONFIRMED: 'Confirmed',
    PREPARING: 'Being packed',
    READY: isPickup ? 'Ready to pick up' : 'Packed',
    OUT_FOR_DELIVERY: 'On its way',
    DELIVERED: isPickup ? 'Picked up' : 'Delivered',
    CANCELLED: 'Cancelled',
  };
  return Object.hasOwn(words, status) ? (words[status] as string) : statusName(status);
}

const minuteMs = 60_000;

/** When the order will be ready, in words; null if the shop has not said, or it no longer matters. */
export function estimateWords(
  order: Pick<Order, 'status' | 'estimatedReadyAt'>,
  now: number,
): string | null {
  const { estimatedReadyAt } = order;
  if (!estimatedReadyAt || !['PENDING', 'CONFIRMED', 'PREPARING'].includes(order.status))
    return null;
  const at = Date.parse(estimatedReadyAt);
  if (Number.isNaN(at)) return null;
  const minutes = Math.round((at - now) / minuteMs);
  if (minutes > 90) return `Ready by ${dateTime(estimatedReadyAt)}`;
  const time = clockTime(estimatedReadyAt);
  if (minutes < -1) return `Expected at ${time}, it takes a little longer`;
  if (minutes <= 1) return `Ready at ${time}, any moment now`;
  return `Ready at ${time}, in about ${minutes} minutes`;
}

/** What is paid, and how. */
export function paymentWords(order: Order): string {
  const isCash = order.paymentMethod === 'COD';
  switch (order.paymentStatus) {
    case 'PAID':
      return isCash ? 'Paid in cash' : 'Paid online';
    case 'REFUNDED':
      return 'Paid back';
    case 'FAILED':
      return 'The payment did not go through';
    case 'PENDING':
      if (order.status === 'CANCELLED') return 'Nothing was paid';
      if (!isCash) return 'Not paid yet';
      return order.fulfillmentType === 'PICKUP'
        ? 'Pay in cash at the shop'
        : 'Pay in cash at the door';
    default:
      return statusName(order.paymentStatus);
  }
}

/** Before a cancellation: what it means for the money. */
export function cancelOutlook(order: Order): string {
  const sum = money(order.totalAmount);
  if (order.paymentStatus !== 'PAID')
    return 'You have paid nothing, so there is nothing to give back.';
  return order.paymentMethod === 'ONLINE'
    ? `You get ${sum} back.`
    : `You have paid ${sum} in cash: the shop gives it back to you.`;
}

export interface RefundWords {
  readonly text: string;
  /** `done` is good news, `busy` is under way, `off` needs a person. */
  readonly tone: 'done' | 'busy' | 'off';
}

/** After a cancellation: where the money is. Null while the order is not cancelled or there is nothing to say. */
export function refundWords(order: Order): RefundWords | null {
  const sum = money(order.totalAmount);
  if (order.paymentStatus === 'REFUNDED' || order.refundStatus === 'DONE') {
    return { text: `You got ${sum} back.`, tone: 'done' };
  }
  const phone = order.store?.phone ? ` on ${order.store.phone}` : '';
  switch (order.refundStatus) {
    case 'DUE':
    case 'REQUESTED':
      return { text: `You get ${sum} back: it is on its way.`, tone: 'busy' };
    case 'FAILED':
      return {
        text: `${sum} could not be sent back yet. Ask ${shopOf(order)}${phone}.`,
        tone: 'off',
      };
    default:
      break;
  }
  if (order.status !== 'CANCELLED') return null;
  return order.paymentStatus === 'PAID'
    ? { text: `The shop owes you ${sum}. Ask ${shopOf(order)}${phone}.`, tone: 'off' }
    : null;
}

/** Who left a note with a step; null if the note speaks for itself. */
export function noteAuthor(actorRole: string | null | undefined): string | null {
  if (actorRole === 'CUSTOMER' || actorRole === 'PROVIDER') return null;
  return actorRole === 'RIDER' ? 'Rider' : 'Shop';
}

/** Says how old what is shown is. */
export function ageWords(savedAt: number, now: number): string {
  const iso = new Date(savedAt).toISOString();
  const isToday = new Date(savedAt).toDateString() === new Date(now).toDateString();
  return `This is how it was ${isToday ? `at ${clockTime(iso)}` : `on ${dateTime(iso)}`}.`;
}

/** Where the order goes. */
export function placeWords(order: Order): string {
  if (order.fulfillmentType === 'PICKUP') return `Pick up at ${shopOf(order)}`;
  return order.deliveryAddress === null ? 'Delivery' : `Delivery to ${order.deliveryAddress}`;
}

/** Whether it still moves: such orders stand first and are followed live. */
export function isOpen(order: Pick<Order, 'status' | 'refundStatus'>): boolean {
  return (
    !isFinal(order.status) || order.refundStatus === 'DUE' || order.refundStatus === 'REQUESTED'
  );
}
