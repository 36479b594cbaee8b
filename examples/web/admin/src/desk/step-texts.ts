// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { clockTime, shortId, statusName, stepNames } from '@ordercast/client/format';
import { roleName } from './permissions.ts';
import type { Step } from './step-queue.ts';

/** What people call an order: "#1042". */
export function orderName(order: Pick<Order, 'id' | 'number'>): string {
  return order.number === undefined ? shortId(order.id) : `#${order.number}`;
}

/** An order among those of several organizations, whose numbers are alike: "#1042, Corner Shop". */
export function orderLabel(order: Pick<Order, 'id' | 'number' | 'store'>): string {
  const shop = order.store?.name;
  return shop ? `${orderName(order)}, ${shop}` : orderName(order);
}

/** Why a step was not made: what another user has done instead. */
export function refusalText(step: Step, now: Order | null): string {
  const lost = `Your “${stepNames[step.status]}” was not made.`;
  if (now === null || now.status === step.order.status) return `${lost} It has changed meanwhile.`;
  const log = now.statusLogs.at(-1);
  const who = log?.actorRole
    ? capital(`${article(log.actorRole)} ${roleName(log.actorRole)}`)
    : null;
  const time = log === undefined ? '' : ` at ${clockTime(log.createdAt)}`;
  const change = `${who ?? 'Somebody'} set it to ${statusName(now.status)}${time}`;
  const note = log?.note ? `: “${log.note}”` : '';
  return `${change}${note}. ${lost}`;
}

function article(role: string): string {
  if (role === 'CUSTOMER' || role === 'PROVIDER') return 'the';
  return /^[AEIOU]/.test(role) ? 'an' : 'a';
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
