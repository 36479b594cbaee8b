// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { readDocuments } from '../documents.js';
import { Validator } from '../validator.js';
import { LiveSocket } from './support/live-socket.js';
import { Recorder } from './support/recorder.js';
import { program, startServer } from './support/server.js';

const documents = readDocuments();
const validator = new Validator(documents);
const jwtSecret = 'a secret of the tests, long enough for HS256';
const webhookSecret = 'a webhook secret of the tests, long enough';
const closeCodes = new Set(documents.asyncapi.channels.ws['x-close-codes'].map(({ code }) => code));

const base64 = (text) => Buffer.from(text).toString('base64url');

/** An access token without a login, which takes its time for the password's hash. */
function tokenOf(sub, role) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub, role, email: `${sub}@martly.dev`, iat: now, exp: now + 900 };
  const signed = `${base64('{"alg":"HS256","typ":"JWT"}')}.${base64(JSON.stringify(claims))}`;
  return `${signed}.${createHmac('sha256', jwtSecret).update(signed).digest('base64url')}`;
}

/** Answers that take a broken provider, a database that is away, a server in trouble or with other settings. */
const needsTrouble = (what) =>
  / (502|503)$/.test(what) ||
  what === 'GET /ws 101' || // an upgrade is no answer of `call`
  what === 'POST /api/v1/orders/{id}/payment 422' || // without demo data
  what === 'POST /api/v1/payments/webhook 404' || // without its secret
  // One limit counts all writes of a user, another one the handshakes of an address that is not loopback.
  (what.endsWith(' 429') && !/(login|disconnect) 429$/.test(what));

/** The role that a call with 403 does not take. */
const wrongRoles = {
  placeOrder: 'admin',
  cancelOrder: 'admin',
  startPayment: 'admin',
  verifyPayment: 'admin',
  getHistory: 'customer',
  setStatus: 'customer',
  setPaymentStatus: 'customer',
  setStatusOfMany: 'customer',
  disconnectUser: 'customer',
};
/** Fields that are wrong where none is required. */
const wrongBodies = { logout: { everywhere: 7 }, disconnectUser: { reason: 7 } };
/** Bodies that are right, for an order that is not there. */
const rightBodies = {
  setStatus: { status: 'CONFIRMED' },
  setPaymentStatus: { paymentStatus: 'PAID' },
  verifyPayment: { razorpay_order_id: 'o', razorpay_payment_id: 'p', razorpay_signature: 's' },
};
const basket = (more) => ({
  storeId: 'store-1',
  items: [{ productId: 'product-1-tea', quantity: 2 }],
  paymentMethod: 'COD',
  fulfillmentType: 'DELIVERY',
  deliveryAddress: '14 Lake Road',
  ...more,
});

for (const transport of ['asio', 'websocketpp']) {
  describe(`recorded traffic (${transport})`, {
    skip: program === undefined,
    timeout: 120_000,
  }, () => {
    const recorder = new Recorder(documents, validator);
    const tokens = {};
    let server;
    const call = (operationId, options) => recorder.call(server.origin, operationId, options);
    const as = (who, operationId, options) => call(operationId, { token: tokens[who], ...options });
    const socket = (options) => new LiveSocket(recorder, server.origin, options).opened;
    const place = async (more) => (await as('customer', 'placeOrder', { body: basket(more) })).data;
    /** Makes the same call for each operation that has an answer. */
    const each = async (status, options) => {
      for (const [operationId, { responses }] of recorder.calls) {
        if (responses[status] === undefined) continue;
        const sent = options(operationId);
        if (sent === undefined) continue;
        assert.equal((await call(operationId, sent)).status, status, operationId);
      }
    };
    const callerOf = (operationId) =>
      tokens[wrongRoles[operationId] === 'customer' ? 'admin' : 'customer'];
    const closesWith = async (code, opened) => {
      const close = await (await opened).closed;
      assert.equal(close.code, code, close.reason);
      assert.ok(closeCodes.has(code), `asyncapi.yaml has no close code ${code}`);
      return close.reason;
    };

    before(async () => {
      server = await startServer({
        args: [
          ...['--transport', transport, '--writes-per-second', '0'],
          ...['--max-subscriptions', '3', '--max-connections-per-user', '4'],
          ...['--login-failures', '1', '--staff-writes-per-second', '20'],
        ],
        env: { JWT_SECRET: jwtSecret, RAZORPAY_WEBHOOK_SECRET: webhookSecret },
      });
      tokens.admin = tokenOf('user-admin', 'SUPER_ADMIN');
      tokens.customer = tokenOf('user-customer', 'CUSTOMER');
    });
    after(() => server?.end());

    it('refusals that every call has', async () => {
      await each(401, (operationId) => {
        if (operationId === 'login') return undefined; // another case, since failures are counted
        return operationId === 'refresh' ? { body: { refreshToken: 'x' } } : {};
      });
      await each(403, (operationId) =>
        operationId === 'openWebSocket'
          ? { headers: { ...upgrade, Origin: 'https://elsewhere.example' } }
          : { token: tokens[wrongRoles[operationId]] },
      );
      await each(400, (operationId) => {
        const { method, requestBody } = recorder.calls.get(operationId);
        if (method === 'get') return { token: tokens.admin, query: '?page=x&dateTo=x' };
        if (requestBody) return { token: callerOf(operationId), body: '{' };
      });
      await each(415, (operationId) => ({
        token: callerOf(operationId),
        body: '{}',
        headers: { 'Content-Type': 'text/plain' },
      }));
      await each(422, (operationId) =>
        operationId === 'startPayment'
          ? undefined
          : { token: callerOf(operationId), body: wrongBodies[operationId] ?? {} },
      );
      await each(404, (operationId) =>
        operationId === 'paymentWebhook'
          ? undefined
          : { token: callerOf(operationId), body: rightBodies[operationId] },
      );
      assert.equal((await call('openWebSocket')).status, 426);
    });

    it('signing in and out', async () => {
      const body = { email: 'customer2@martly.dev', password: 'customer123' };
      const { accessToken, refreshToken } = (await call('login', { body })).data;
      assert.equal((await call('refresh', { body: { refreshToken } })).status, 200);
      assert.equal((await call('me', { token: accessToken })).status, 200);
      assert.equal((await as('admin', 'me')).status, 200);
      assert.equal(
        (await call('logout', { token: accessToken, body: { refreshToken } })).status,
        200,
      );
      const wrong = { email: 'nobody@martly.dev', password: 'wrong' };
      assert.equal((await call('login', { body: wrong })).status, 401);
      assert.equal((await call('login', { body: wrong })).status, 429);
    });

    it('the catalogue, devices and operation', async () => {
      assert.equal((await as('customer', 'listStores')).status, 200);
      assert.equal(
        (await as('customer', 'listProducts', { query: '?storeId=store-1' })).status,
        200,
      );
      const body = { token: 'a'.repeat(64), platform: 'android' };
      for (const name of ['addDevice', 'addDeviceToken', 'removeDevice', 'removeDeviceToken']) {
        assert.equal((await as('customer', name, { body })).status, 200);
      }
      await as('admin', 'addDevice', { body });
      const taken = await as('customer', 'addDevice', { body });
      assert.equal(taken.data.takenOver, true);
      for (const name of ['healthz', 'health', 'readyz', 'metrics']) {
        assert.equal((await call(name)).status, 200);
      }
      const gone = await as('admin', 'disconnectUser', {
        path: { id: 'nobody' },
        body: { reason: 'Test' },
      });
      assert.equal(gone.data.disconnected, 0);
    });

    it('orders and their changes', async () => {
      const headers = { 'Idempotency-Key': 'basket-1' };
      const placed = await as('customer', 'placeOrder', { body: basket(), headers });
      const again = await as('customer', 'placeOrder', { body: basket(), headers });
      assert.deepEqual([placed.status, again.status], [201, 201]);
      assert.equal(again.data.id, placed.data.id);
      const { id } = placed.data;
      const path = { id };
      const noAddress = { ...basket(), deliveryAddress: null };
      assert.equal((await as('customer', 'placeOrder', { body: noAddress })).status, 400);
      for (const query of [
        '',
        '?status=PENDING,CONFIRMED&sortBy=number&sortOrder=asc&pageSize=2',
      ]) {
        assert.equal((await as('admin', 'listOrders', { query })).status, 200);
      }
      assert.equal((await as('customer', 'listOrders', { query: '?q=tea' })).status, 200);
      assert.equal((await as('admin', 'countOrders')).status, 200);
      assert.equal((await as('customer', 'getOrder', { path })).status, 200);
      const estimatedReadyAt = '2026-05-01T12:30:00Z';
      const change = { status: 'CONFIRMED', expectedVersion: 1, note: 'Soon', estimatedReadyAt };
      assert.equal((await as('admin', 'setStatus', { path, body: change })).status, 200);
      const conflict = await as('admin', 'setStatus', { path, body: change });
      assert.equal(conflict.status, 409);
      assert.equal(conflict.data.version, 2);
      const back = { status: 'PENDING' };
      assert.equal((await as('admin', 'setStatus', { path, body: back })).status, 400);
      const paid = { paymentStatus: 'PAID', note: 'In cash' };
      assert.equal((await as('admin', 'setPaymentStatus', { path, body: paid })).status, 200);
      assert.equal((await as('admin', 'getHistory', { path })).status, 200);
      const body = { orderIds: [id, 'nowhere'], status: 'PREPARING' };
      const many = await as('admin', 'setStatusOfMany', { body });
      assert.deepEqual([many.data.updated, many.data.skipped], [1, 1]);
      assert.equal((await as('customer', 'cancelOrder', { path })).status, 400);
      const { id: other } = await place({ fulfillmentType: 'PICKUP', deliveryAddress: null });
      assert.equal((await as('customer', 'cancelOrder', { path: { id: other } })).status, 200);
    });

    it('payments, refunds and webhooks', async () => {
      const { id: cash } = await place();
      assert.equal((await as('customer', 'startPayment', { path: { id: cash } })).status, 400);
      const { id } = await place({ paymentMethod: 'ONLINE' });
      const path = { id };
      const first = (await as('customer', 'startPayment', { path })).data.testPayment;
      const second = (await as('customer', 'startPayment', { path })).data.testPayment;
      assert.equal((await as('customer', 'verifyPayment', { path, body: first })).status, 200);
      assert.equal((await as('customer', 'verifyPayment', { path, body: second })).status, 409);
      assert.equal((await as('customer', 'startPayment', { path })).status, 409);
      const event = (order, amount) => ({
        event: 'payment.captured',
        payload: {
          payment: {
            entity: { id: 'pay_1', order_id: order, amount, currency: 'INR', status: 'captured' },
          },
        },
      });
      const send = async (body) => {
        const text = JSON.stringify(body);
        const signature = createHmac('sha256', webhookSecret).update(text).digest('hex');
        const headers = { 'X-Razorpay-Signature': signature };
        return (await call('paymentWebhook', { headers, body: text })).data.outcome;
      };
      const { razorpayOrderId, totalAmount } = await place({ paymentMethod: 'ONLINE' });
      const amount = Number(totalAmount.replace('.', ''));
      assert.equal(await send(event(razorpayOrderId, 1)), 'refused');
      assert.equal(await send(event(razorpayOrderId, amount)), 'applied');
      assert.equal(await send(event(razorpayOrderId, amount)), 'repeated');
      assert.equal(await send(event('order_of_nobody', amount)), 'ignored');
    });

    it('every message', async () => {
      const orders = [await place(), await place(), await place(), await place()];
      const [{ id: orderId }] = orders;
      const live = await socket({ token: tokens.customer });
      assert.equal(live.protocol, 'ordercast.v2');
      const { epoch } = await live.type('hello');
      live.send({ type: 'ping' });
      await live.type('pong');
      live.send({ type: 'presence', visible: true });
      live.send({ type: 'subscribe', orderId, since: 0, epoch });
      await live.type('order:updated');
      const body = { status: 'CONFIRMED' };
      await as('admin', 'setStatus', { path: { id: orderId }, body });
      assert.equal((await live.type('order:updated')).data.version, 2);
      await live.type('orders:changed');
      live.send({ type: 'unsubscribe', orderId });
      live.send({ type: 'subscribe', orders: orders.map(({ id }) => ({ orderId: id, since: 0 })) });
      await live.error('too_many_subscriptions');
      live.send({ type: 'unsubscribe', orders: [{ orderId }] });
      live.send({ type: 'subscribe', orderId: 'nowhere' });
      await live.error('subscription_denied');
      live.sendRaw('{');
      await live.error('bad_message');
      live.sendRaw('{"type":"subscribe","orderId":7}');
      await live.error('bad_message');
      live.sendRaw('{"type":"dance"}');
      await live.error('unknown_type');
      for (let count = 0; count < 1000; count += 1) live.sendRaw('{"type":"ping"}');
      await live.error('rate_limited');
      await live.leave();
    });

    it('every way to bring a token', async () => {
      const { customer } = tokens;
      const ways = [
        { token: customer, protocols: ['ordercast.v1'] },
        { protocols: [], query: `?token=${customer}` },
        { protocols: [], headers: { Authorization: `Bearer ${customer}` } },
      ];
      for (const way of ways) {
        const live = await socket(way);
        live.send({ type: 'ping' });
        assert.deepEqual(await live.next(() => true), { type: 'pong' });
        await live.leave();
      }
    });

    it('close codes', async () => {
      assert.equal(await closesWith(4001, socket()), 'Missing token');
      assert.equal(await closesWith(4001, socket({ token: 'x.y.z' })), 'Invalid token');
      const misbehaves = async (code, misbehave) => {
        const live = await socket({ token: tokens.customer });
        misbehave(live);
        await closesWith(code, live);
      };
      await misbehaves(1003, (live) => live.sendRaw(Buffer.from('{"type":"ping"}')));
      await misbehaves(1009, (live) => live.sendRaw(' '.repeat(4097)));
      await misbehaves(1008, (live) => {
        for (let count = 0; count < 400; count += 1) live.sendRaw('{');
      });
      const held = [];
      for (let count = 0; count < 4; count += 1)
        held.push(await socket({ token: tokens.customer }));
      await closesWith(4008, socket({ token: tokens.customer }));
      assert.equal(
        (await as('admin', 'disconnectUser', { path: { id: 'user-customer' } })).data.disconnected,
        4,
      );
      for (const live of held) await closesWith(4001, live);
    });

    it('too many changes by one user', async () => {
      const token = tokenOf('a-busy-admin', 'SUPER_ADMIN');
      const limited = 'POST /api/v1/admin/users/{id}/disconnect 429';
      // However slow the machine is, it is faster than 20 calls a second.
      for (let round = 0; !recorder.seen.has(limited); round += 1) {
        assert.ok(round < 20, 'no call was limited');
        await Promise.all(Array.from({ length: 100 }, () => call('disconnectUser', { token })));
      }
    });

    it('a restart', async () => {
      const reason = closesWith(1012, await socket({ token: tokens.customer }));
      await server.end('SIGTERM');
      assert.match(await reason, /^retry-after-ms=\d+$/);
    });

    it('were all of the documents', () => {
      assert.deepEqual(recorder.missing(needsTrouble), []);
    });
  });
}

/** A handshake, as far as a test that refuses it needs one. */
const upgrade = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};
