// SPDX-License-Identifier: MIT

import type {
  ClientMessage,
  SubscribeBatch,
  SubscribeMessage,
  UnsubscribeBatch,
  UnsubscribeMessage,
} from '../types';

/** A message about one order. */
export type OrderMessage = SubscribeMessage | UnsubscribeMessage;

/** A message's 4 KiB, less what stands around the entries. They are never more than the protocol's hundred. */
const maxBatchBytes = 3500;

/** At least the bytes that an entry takes, whatever escapes its id needs. */
function entryBytes(orderId: string): number {
  const bytes = new TextEncoder().encode(orderId).length;
  return 40 + (/^[ !#-[\]-~]*$/.test(orderId) ? bytes : 6 * bytes);
}

const epochOf = (message: OrderMessage): string | undefined =>
  message.type === 'subscribe' ? message.epoch : undefined;

/**
 * The same messages in the same order, as few as the server's limits allow. Neighbours of one type and one epoch go out
 * together; one alone goes without `orders`.
 */
export function batchesOf(messages: readonly OrderMessage[]): ClientMessage[] {
  const groups: { readonly first: OrderMessage; readonly members: OrderMessage[] }[] = [];
  let bytes = 0;
  for (const message of messages) {
    bytes += entryBytes(message.orderId);
    const last = groups.at(-1);
    if (last !== undefined && bytes <= maxBatchBytes && areAlike(last.first, message)) {
      last.members.push(message);
    } else {
      groups.push({ first: message, members: [message] });
      bytes = entryBytes(message.orderId);
    }
  }
  return groups.map(({ first, members }) => (members.length === 1 ? first : batch(members, first)));
}

/** The messages about one order each that `message` stands for; null if it is about no order. */
export function ordersOf(message: ClientMessage): readonly OrderMessage[] | null {
  switch (message.type) {
    case 'subscribe': {
      if (!('orders' in message)) return [message];
      const { type, orders, epoch } = message;
      return orders.map((entry) => ({ type, ...entry, ...(epoch !== undefined && { epoch }) }));
    }
    case 'unsubscribe': {
      if (!('orders' in message)) return [message];
      const { type, orders } = message;
      return orders.map(({ orderId }) => ({ type, orderId }));
    }
    default:
      return null;
  }
}

function areAlike(one: OrderMessage, other: OrderMessage): boolean {
  return one.type === other.type && epochOf(one) === epochOf(other);
}

function batch(
  members: readonly OrderMessage[],
  first: OrderMessage,
): SubscribeBatch | UnsubscribeBatch {
  if (first.type === 'unsubscribe') {
    return { type: 'unsubscribe', orders: members.map(({ orderId }) => ({ orderId })) };
  }
  const orders = members.map((member) => {
    const since = member.type === 'subscribe' ? (member.since ?? 0) : 0;
    return { orderId: member.orderId, since };
  });
  const message = { type: 'subscribe', orders } as const;
  return first.epoch === undefined ? message : { ...message, epoch: first.epoch };
}
