// SPDX-License-Identifier: MIT

import { createHmac } from 'node:crypto';

/** The demo data's users. */
export const accounts = {
  admin: { email: 'admin@martly.dev', password: 'admin123' },
  manager: { email: 'manager@martly.dev', password: 'manager123' },
  customer: { email: 'customer@martly.dev', password: 'customer123' },
  customer2: { email: 'customer2@martly.dev', password: 'customer123' },
};

/** @typedef {keyof typeof accounts} Account */

/** A user who works beside the browser, straight on the server. */
export class ApiUser {
  #server;
  #token = '';

  /** @param {import('./server.js').Server} server */
  constructor(server) {
    this.#server = server;
  }

  /** @param {import('./server.js').Server} server @param {Account} account */
  static async signIn(server, account) {
    const user = new ApiUser(server);
    const { accessToken } = await user.call('POST', '/auth/login', accounts[account]);
    user.#token = accessToken;
    return user;
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  async call(method, path, body) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (this.#token !== '') headers.Authorization = `Bearer ${this.#token}`;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const response = await fetch(`${this.#server.origin}/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    });
    const envelope = await response.json();
    if (!envelope.success) throw new Error(`${method} ${path}: ${JSON.stringify(envelope)}`);
    return envelope.data;
  }

  /** The newest orders of that status. @param {string} status @returns {Promise<any[]>} */
  orders(status) {
    return this.call('GET', `/orders?status=${status}&pageSize=50`);
  }

  /** @param {string} orderId @param {string} status @param {string} [note] */
  setStatus(orderId, status, note) {
    return this.call('PATCH', `/orders/${orderId}/status`, note ? { status, note } : { status });
  }

  /** A new order, for customers. @returns {Promise<any>} */
  async placeOrder(paymentMethod = 'COD') {
    const [store] = await this.call('GET', '/stores');
    const [product] = await this.call('GET', `/products?storeId=${store.id}`);
    return this.call('POST', '/orders', {
      storeId: store.id,
      items: [{ productId: product.id, quantity: 2 }],
      paymentMethod,
      fulfillmentType: 'DELIVERY',
      deliveryAddress: '1 Quiet Street',
    });
  }
}

/** A token that the server takes for its own. @param {object} claims @param {string} secret */
export function forgeToken(claims, secret) {
  const part = (/** @type {object} */ value) =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ iat: now, exp: now + 3600, ...claims })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
