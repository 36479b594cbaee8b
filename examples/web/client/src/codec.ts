// SPDX-License-Identifier: MIT

import type { ClientMessage, ServerMessage, Versioned } from './types.ts';
import { asObject, isVersion } from './validate.ts';

/** The text of a message, with its fields in the protocol's order. */
export function encode(message: ClientMessage): string {
  switch (message.type) {
    case 'subscribe': {
      const { type, orderId, since } = message;
      return JSON.stringify(since === undefined ? { type, orderId } : { type, orderId, since });
    }
    case 'unsubscribe':
      return JSON.stringify({ type: message.type, orderId: message.orderId });
    case 'ping':
      return JSON.stringify({ type: message.type });
  }
}

/**
 * What a text from the server says, or null when it is no message that we know: a client outlives its server's
 * version, so that is no reason to hang up.
 */
export function decode(text: string): ServerMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const fields = asObject(value);
  if (fields === null) return null;
  const { type, orderId, status, code, message } = fields;
  switch (type) {
    case 'pong':
      return { type };
    case 'order:updated': {
      const data = asObject(fields.data);
      if (typeof orderId !== 'string' || data === null || !isVersion(data.version)) return null;
      return { type, orderId, data: data as unknown as Versioned };
    }
    case 'orders:changed':
      if (typeof orderId !== 'string' || typeof status !== 'string') return null;
      return { type, orderId, status };
    case 'error':
      if (typeof code !== 'string' || typeof message !== 'string') return null;
      return typeof orderId === 'string'
        ? { type, code, message, orderId }
        : { type, code, message };
    default:
      return null;
  }
}
