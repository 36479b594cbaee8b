// SPDX-License-Identifier: MIT

import { randomUUID } from 'node:crypto';

/** @typedef {{ origin: string }} Place */

/** A customer who orders, by the same calls as the app, through a network that may fail. */
export class Customer {
  #place;
  #token = '';
  /** The ids of the orders that were placed. @type {string[]} */
  placed = [];
  email;
  password;

  /** @param {Place} place @param {string} email @param {string} password */
  constructor(place, email, password) {
    this.#place = place;
    this.email = email;
    this.password = password;
  }

  /** Signs in again where the token has expired. @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers] @returns {Promise<any>} */
  async call(method, path, body, headers) {
    try {
      return await this.#call(method, path, body, headers);
    } catch (problem) {
      if (/** @type {any} */ (problem).status !== 401 || path === '/auth/login') throw problem;
      await this.signIn();
      return this.#call(method, path, body, headers);
    }
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers] */
  async #call(method, path, body, headers = {}) {
    const response = await fetch(`${this.#place.origin}/api/v1${path}`, {
      method,
      headers: {
        ...headers,
        ...(this.#token !== '' && { Authorization: `Bearer ${this.#token}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    const envelope = await response.json();
    if (envelope.success) return envelope.data;
    throw Object.assign(new Error(`${method} ${path}: ${envelope.message}`), {
      status: response.status,
      isFinal: response.status < 500 && ![409, 429].includes(response.status),
    });
  }

  async signIn() {
    const { email, password } = this;
    const { accessToken } = await this.call('POST', '/auth/login', { email, password });
    this.#token = accessToken;
  }

  /** Orders once, however often it has to ask. @param {string} storeId @param {string} productId */
  async order(storeId, productId) {
    const body = {
      storeId,
      items: [{ productId, quantity: 1 + (this.placed.length % 3) }],
      paymentMethod: this.placed.length % 2 === 0 ? 'COD' : 'ONLINE',
      fulfillmentType: 'DELIVERY',
      deliveryAddress: '14 Lake Road',
    };
    const key = randomUUID();
    for (;;) {
      try {
        const { id } = await this.call('POST', '/orders', body, { 'Idempotency-Key': key });
        this.placed.push(id);
        return;
      } catch (problem) {
        if (/** @type {any} */ (problem).isFinal) throw problem;
        await new Promise((done) => setTimeout(done, 250));
      }
    }
  }
}
