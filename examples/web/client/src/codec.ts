// SPDX-License-Identifier: MIT

import type { ClientMessage, ServerMessage } from './types';
import { asObject, isOrderId, isVersion } from './validate';

/** The text of a message, with its fields in the protocol's order. */
export function encode(message: ClientMessage): string {
  switch (message.type) {
    case 'subscribe': {
      // JSON.stringify leaves undefined fields out.
      if ('orders' in message) {
        const orders = message.orders.map(({ orderId, since }) => ({ orderId, since }));
        return JSON.stringify({ type: message.type, orders, epoch: message.epoch });
      }
      const { type, orderId, since, epoch } = message;
      return JSON.stringify({ type, orderId, since, epoch });
    }
    case 'unsubscribe':
      if ('orders' in message) {
        const orders = message.orders.map(({ orderId }) => ({ orderId }));
        return JSON.stringify({ type: message.type, orders });
      }
      return JSON.stringify({ type: message.type, orderId: message.orderId });
    case 'presence':
      return JSON.stringify({ type: message.type, visible: message.visible });
    case 'ping':
      return JSON.stringify({ type: message.type });
  }
}

/**
 * `unknown`: a message of a newer server, not a fault. `invalid`: not a message.
 */
export type Decoded = ServerMessage | { readonly type: 'unknown' } | { readonly type: 'invalid' };

const unknown: Decoded = { type: 'unknown' };
const invalid: Decoded = { type: 'invalid' };

/** Far more than any order needs. */
const maxLength = 1 << 20;

/** Reads a text from the server. Never throws. */
export function decode(text: string): Decoded {
  if (text.length > maxLength) return invalid;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return invalid;
  }
  const fields = asObject(value);
  if (fields === null || typeof fields.type !== 'string') return invalid;
  switch (fields.type) {
    case 'pong':
      return { type: 'pong' };
    case 'hello': {
      const { type, epoch, node = '' } = fields;
      if (typeof epoch !== 'string' || epoch === '' || typeof node !== 'string') return invalid;
      return { type, epoch, node };
    }
    case 'order:updated': {
      const { type, orderId } = fields;
      const data = asObject(fields.data);
      if (!isOrderId(orderId) || data === null || !isVersion(data.version)) return invalid;
      return { type, orderId, version: data.version, data };
    }
    case 'orders:changed': {
      const { type, orderId, status } = fields;
      if (!isOrderId(orderId) || typeof status !== 'string') return invalid;
      return { type, orderId, status };
    }
    case 'error': {
      const { type, code, message = '', orderId = '' } = fields;
      if (typeof code !== 'string' || typeof message !== 'string') return invalid;
      if (fields.orderId !== undefined && !isOrderId(orderId)) return invalid;
      return { type, code, message, orderId: orderId as string };
    }
    default:
      return unknown;
  }
}
