// SPDX-License-Identifier: MIT

import { isFinal, type Order } from '@ordercast/client';

export type AgeTone = 'new' | 'amber' | 'red' | 'done';

/** How urgent an order is, by the time since it was placed. */
export function ageTone(
  order: Pick<Order, 'status' | 'createdAt'>,
  now: number,
  limits: { readonly amberMinutes: number; readonly redMinutes: number },
): AgeTone {
  if (isFinal(order.status)) return 'done';
  const minutes = (now - Date.parse(order.createdAt)) / 60_000;
  if (minutes >= limits.redMinutes) return 'red';
  return minutes >= limits.amberMinutes ? 'amber' : 'new';
}

/** The time since then as a timer shows it: "4:07", "1:02:09", "3 d". */
export function stopwatch(since: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  if (Number.isNaN(seconds)) return '—';
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds >= 86_400) return `${Math.floor(seconds / 86_400)} d`;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}
