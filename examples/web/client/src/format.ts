// SPDX-License-Identifier: MIT

import type { ConnectionState, Order, OrderStatus, PaymentStatus } from './types';

export const statusNames: Readonly<Record<OrderStatus, string>> = {
  PENDING: 'Pending',
  CONFIRMED: 'Confirmed',
  PREPARING: 'Preparing',
  READY: 'Ready',
  OUT_FOR_DELIVERY: 'Out for delivery',
  DELIVERED: 'Delivered',
  CANCELLED: 'Cancelled',
};

/** The name of a status. Also names a newer server's status: "ON_HOLD" is "On hold". */
export function statusName(status: string): string {
  return nameOf(statusNames, status);
}

function nameOf(names: Readonly<Record<string, string>>, value: string): string {
  if (Object.hasOwn(names, value)) return names[value] as string;
  const words = value.toLowerCase().replaceAll('_', ' ');
  return words === '' ? 'Unknown' : words.charAt(0).toUpperCase() + words.slice(1);
}

/** The label of the button that moves an order to each status. */
export const stepNames: Readonly<Record<OrderStatus, string>> = {
  PENDING: 'Reopen',
  CONFIRMED: 'Confirm',
  PREPARING: 'Start preparing',
  READY: 'Mark ready',
  OUT_FOR_DELIVERY: 'Send out',
  DELIVERED: 'Mark delivered',
  CANCELLED: 'Cancel',
};

export const paymentNames: Readonly<Record<PaymentStatus, string>> = {
  PENDING: 'Not paid',
  PAID: 'Paid',
  FAILED: 'Payment failed',
  REFUNDED: 'Refunded',
};

export function paymentText(order: Pick<Order, 'paymentMethod' | 'paymentStatus'>): string {
  if (order.paymentMethod === 'COD' && order.paymentStatus === 'PENDING') return 'Cash on delivery';
  return nameOf(paymentNames, order.paymentStatus);
}

/** The short name of an order for people. */
export function shortId(orderId: string): string {
  return `#${orderId.slice(0, 8)}`;
}

const rupees = new Intl.NumberFormat('en-IN', { style: 'currency', currency: 'INR' });

export function money(amount: string): string {
  // Don't show a sum that could not be read as 0.
  return amount !== '' && Number.isFinite(Number(amount)) ? rupees.format(Number(amount)) : '—';
}

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export function dateTime(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? '—' : clock.format(date);
}

const hours = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });

/** The time of day. */
export function clockTime(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? '—' : hours.format(date);
}

export function ago(iso: string, now: number): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  if (Number.isNaN(seconds)) return '—';
  // Created here, not at load time: React Native's engine lacks it, and the app does not call this function.
  const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
  if (seconds > -60) return 'just now';
  if (seconds > -3600) return relative.format(Math.round(seconds / 60), 'minute');
  if (seconds > -86_400) return relative.format(Math.round(seconds / 3600), 'hour');
  return relative.format(Math.round(seconds / 86_400), 'day');
}

export function itemsText(order: Pick<Order, 'items'>): string {
  return order.items.map(({ quantity, name }) => `${quantity} × ${name}`).join(', ');
}

export interface ConnectionText {
  readonly tone: 'live' | 'busy' | 'off';
  readonly text: string;
  /** When the next attempt is due by the clock; null if none is planned. */
  readonly retryAt: number | null;
}

/** Says in a word or two whether the view is live. */
export function connectionText(state: ConnectionState, online: boolean): ConnectionText {
  // Before "Live": it takes a socket a while to notice that its network is gone.
  if (!online) return { tone: 'off', text: 'Offline', retryAt: null };
  if (state.status === 'live') return { tone: 'live', text: 'Live', retryAt: null };
  switch (state.status) {
    case 'waiting':
      return { tone: 'busy', text: 'Reconnecting', retryAt: state.retryAt };
    case 'refused':
      return { tone: 'off', text: 'Not signed in', retryAt: null };
    default:
      return { tone: 'busy', text: 'Connecting', retryAt: null };
  }
}

/** Whole seconds until then, for a countdown. */
export function secondsUntil(time: number, now: number): number {
  return Math.max(0, Math.ceil((time - now) / 1000));
}
