// SPDX-License-Identifier: MIT
// What all peers share: tokens, orders, and the texts on the wire. They differ
// in how the texts reach the sockets.
import { createHmac, timingSafeEqual } from 'node:crypto';

export const port = Number(process.env.PORT ?? 7001);
const secret = process.env.JWT_SECRET ?? '';

/** The claims of an HS256 token, or null. */
export function verify(token) {
  const [header, payload, signature] = (token ?? '').split('.');
  if (!signature) return null;
  const wanted = createHmac('sha256', secret).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null;
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  return claims.exp > Date.now() / 1000 ? claims : null;
}

/** An HS256 token with these claims, for an hour. */
export function sign(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256' })}.${part({ ...claims, exp: Date.now() / 1000 + 3600 })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const versions = new Map();

/** The next state of an order as JSON: the same bytes that fanout_server makes. */
export function change(id, status, note) {
  const version = (versions.get(id) ?? 1) + 1;
  versions.set(id, version);
  const now = new Date().toISOString();
  return JSON.stringify({
    id,
    userId: `u-${id}`,
    storeId: 'store-1',
    organizationId: 'org-1',
    status,
    paymentStatus: 'PENDING',
    paymentMethod: 'COD',
    fulfillmentType: 'DELIVERY',
    totalAmount: '123.00',
    deliveryAddress: null,
    razorpayOrderId: null,
    note,
    items: [
      {
        id: `${id}-1`,
        productId: 'product-1',
        name: 'Rice 5 kg',
        quantity: 2,
        unitPrice: '61.50',
        totalPrice: '123.00',
      },
    ],
    statusLogs: [{ id: 'log-1', status, note: null, createdAt: now }],
    version,
    createdAt: now,
    updatedAt: now,
  });
}

export const updated = (id, order) =>
  `{"type":"order:updated","orderId":${JSON.stringify(id)},"data":${order}}`;
export const changed = (id, status) =>
  `{"type":"orders:changed","orderId":${JSON.stringify(id)},"status":${JSON.stringify(status)}}`;
export const pong = '{"type":"pong"}';

export function listening(at) {
  console.log(`listening on http://127.0.0.1:${at} ws://127.0.0.1:${at}/ws`);
}

/** Serves a socket of the ws package until it closes; without claims it is refused with 4001. */
export function serve(socket, rooms, claims) {
  if (!claims) return socket.close(4001, 'Invalid token');
  const orders = new Set();
  rooms.join(socket, claims);
  socket.on('message', (data) => {
    const answer = rooms.onMessage(socket, orders, data.toString());
    if (answer) socket.send(answer);
  });
  socket.on('close', () => rooms.leave(socket, orders));
}

/** Maps of sets, as such servers are usually written: the watchers of each order, and the admins. */
export class Rooms {
  watchers = new Map();
  admins = new Set();

  join(socket, claims) {
    if (claims.role === 'SUPER_ADMIN') this.admins.add(socket);
  }

  leave(socket, orders) {
    this.admins.delete(socket);
    for (const id of orders) {
      const room = this.watchers.get(id);
      room?.delete(socket);
      if (room?.size === 0) this.watchers.delete(id);
    }
  }

  /** Handles a client's message. Returns the answer, if any. */
  onMessage(socket, orders, text) {
    const message = JSON.parse(text);
    if (message.type === 'ping') return pong;
    if (message.type === 'subscribe') {
      let room = this.watchers.get(message.orderId);
      if (!room) this.watchers.set(message.orderId, (room = new Set()));
      room.add(socket);
      orders.add(message.orderId);
    } else if (message.type === 'unsubscribe') {
      this.watchers.get(message.orderId)?.delete(socket);
      orders.delete(message.orderId);
    }
    return undefined;
  }

  /** Sends both messages of a change with `send(socket, text)`. */
  publish(id, status, order, send) {
    const room = this.watchers.get(id);
    if (room) {
      const text = updated(id, order);
      for (const socket of room) send(socket, text);
    }
    const hint = changed(id, status);
    for (const socket of this.admins) send(socket, hint);
  }
}
