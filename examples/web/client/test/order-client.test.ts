// SPDX-License-Identifier: MIT

import { describe, expect, it, vi } from 'vitest';
import { OrderClient, type OrderClientOptions, OrderProblem } from '../src/order-client.ts';
import type { Order } from '../src/types.ts';
import { FakeEnvironment, makeOrder, settle, updated } from './fake-environment.ts';

function setUp(options: Partial<OrderClientOptions> = {}) {
  const environment = new FakeEnvironment();
  const getToken = vi.fn(
    async ({ fresh }: { fresh: boolean }): Promise<string | null> => (fresh ? 'fresh' : 'stored'),
  );
  const problems: unknown[] = [];
  const client = new OrderClient({
    url: 'ws://shop.test/ws',
    getToken,
    environment,
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
  return { client, environment, getToken, problems };
}

/** A client with one order watched and a connection that is live. */
async function setUpLive(options: Partial<OrderClientOptions> = {}) {
  const parts = setUp(options);
  const seen: Order[] = [];
  const stop = parts.client.watchOrder('o-1', (order) => seen.push(order));
  await settle();
  parts.environment.socket.goLive();
  return { ...parts, seen, stop };
}

describe('the socket', () => {
  it('opens with the first who watches, and is shared by all', async () => {
    const { client, environment } = setUp();
    await settle();
    expect(environment.sockets).toHaveLength(0);
    client.watchOrder('o-1', () => undefined);
    client.watchOrder('o-1', () => undefined);
    client.watchOrder('o-2', () => undefined);
    client.watchList(() => undefined);
    await settle();
    environment.socket.goLive();
    expect(environment.sockets).toHaveLength(1);
    const subscribed = environment.socket.sent.filter(({ type }) => type === 'subscribe');
    expect(subscribed.map(({ orderId }) => orderId)).toEqual(['o-1', 'o-2']);
  });

  it('carries the token as a subprotocol, never in the URL', async () => {
    const { environment } = await setUpLive();
    expect(environment.socket.url).toBe('ws://shop.test/ws');
    expect(environment.socket.protocols).toEqual(['ordercast.v2', 'ordercast.v1', 'bearer.stored']);
  });

  it('closes a moment after the last has left, and not for one who comes back at once', async () => {
    const { client, environment, stop } = await setUpLive();
    stop();
    const again = client.watchOrder('o-2', () => undefined);
    await environment.pass(5000);
    expect(environment.socket.closedWith).toBeNull();
    again();
    again(); // stopping twice is stopping once
    await environment.pass(5000);
    expect(environment.socket.closedWith).toBe(1000);
    expect(client.getState()).toEqual({ status: 'idle' });
    expect(environment.pendingTimers).toBe(0);
    expect(environment.wakers).toBe(0);
  });

  it('unsubscribes with the last who watches an order, not before', async () => {
    const { client, environment, stop } = await setUpLive();
    client.watchList(() => undefined);
    const second = client.watchOrder('o-1', () => undefined);
    stop();
    expect(environment.socket.sent.some(({ type }) => type === 'unsubscribe')).toBe(false);
    second();
    expect(environment.socket.sent.at(-1)).toEqual({ type: 'unsubscribe', orderId: 'o-1' });
  });

  it('is not opened after close, also when a token arrives late', async () => {
    let answer: (token: string) => void = () => undefined;
    const { client, environment } = setUp({
      getToken: () => new Promise((done) => (answer = done)),
    });
    client.watchOrder('o-1', () => undefined);
    client.close();
    answer('late');
    client.watchOrder('o-2', () => undefined);
    client.reconnect();
    environment.wake();
    await environment.pass(120_000);
    expect(environment.sockets).toHaveLength(0);
    expect(environment.pendingTimers).toBe(0);
  });

  it('says nothing more once it was given up', async () => {
    const { client, environment, seen } = await setUpLive();
    const old = environment.socket;
    await environment.pass(35_000);
    expect(old.closedWith).toBe(4000);
    old.receive(updated(makeOrder('o-1', 1)));
    old.drop();
    expect(seen).toEqual([]);
    expect(client.getState().status).toBe('waiting');
  });
});

describe('orders', () => {
  it('reach every listener once per message, in sequence', async () => {
    const { client, environment, seen } = await setUpLive();
    const versions: number[] = [];
    client.watchOrder('o-1', ({ version }) => versions.push(version));
    for (const version of [1, 2, 3]) environment.socket.receive(updated(makeOrder('o-1', version)));
    expect(versions).toEqual([1, 2, 3]);
    expect(seen.map(({ version }) => version)).toEqual([1, 2, 3]);
  });

  it('are asked for after an outage with the version that is there', async () => {
    const { environment, seen } = await setUpLive();
    environment.socket.receive(updated(makeOrder('o-1', 4)));
    environment.socket.drop();
    await environment.pass(1000);
    environment.socket.goLive();
    expect(environment.sockets).toHaveLength(2);
    expect(environment.socket.sent[0]).toEqual({ type: 'subscribe', orderId: 'o-1', since: 4 });
    environment.socket.receive(updated(makeOrder('o-1', 6)));
    expect(seen.map(({ version }) => version)).toEqual([4, 6]);
  });

  it('that were fetched never overwrite newer ones that were pushed', async () => {
    let answer: (order: Order) => void = () => undefined;
    const { client, environment } = setUp({
      fetchOrder: () => new Promise((done) => (answer = done)),
    });
    client.observeOrder('o-1', () => undefined);
    await settle();
    environment.socket.goLive();
    environment.socket.receive(updated(makeOrder('o-1', 2, { status: 'CONFIRMED' })));
    answer(makeOrder('o-1', 1));
    await settle();
    expect(client.getOrder('o-1').order?.status).toBe('CONFIRMED');
    expect(client.offer(makeOrder('o-1', 1)).version).toBe(2);
    expect(client.offer(makeOrder('o-1', 3)).version).toBe(3);
    expect(client.getOrder('o-1').order?.version).toBe(3);
  });

  it('that are known are given at once to who comes later', async () => {
    const { client, environment } = await setUpLive();
    environment.socket.receive(updated(makeOrder('o-1', 5)));
    const late: number[] = [];
    client.watchOrder('o-1', ({ version }) => late.push(version));
    expect(late).toEqual([5]);
  });

  it('that are none are dropped and reported', async () => {
    const { environment, seen, problems } = await setUpLive();
    environment.socket.receive(updated({ ...makeOrder('o-1', 1), status: 7 as never }));
    environment.socket.receive(updated({ ...makeOrder('o-2', 1), id: 'o-2' }));
    environment.socket.receive('no object');
    expect(seen).toEqual([]);
    expect(problems).toHaveLength(1);
  });

  it('reach the others when one listener throws', async () => {
    const { client, environment, problems } = await setUpLive();
    client.watchOrder('o-1', () => {
      throw new Error('mine');
    });
    const versions: number[] = [];
    client.watchOrder('o-1', ({ version }) => versions.push(version));
    environment.socket.receive(updated(makeOrder('o-1', 1)));
    expect(versions).toEqual([1]);
    expect(problems.map(String)).toEqual(['Error: mine']);
  });

  it('may be watched and left by a listener that is being told', async () => {
    const { client, environment, stop } = await setUpLive();
    const inner: number[] = [];
    client.watchList(() => {
      stop();
      client.watchOrder('o-2', ({ version }) => inner.push(version));
    });
    environment.socket.receive({ type: 'orders:changed', orderId: 'o-1', status: 'READY' });
    environment.socket.receive(updated(makeOrder('o-2', 1)));
    expect(inner).toEqual([1]);
    expect(environment.socket.sent.slice(-2)).toEqual([
      { type: 'unsubscribe', orderId: 'o-1' },
      { type: 'subscribe', orderId: 'o-2', since: 0 },
    ]);
  });

  it('that are denied say so in their snapshot', async () => {
    const { client, environment } = await setUpLive();
    const message = 'No such order';
    environment.socket.receive({
      type: 'error',
      code: 'subscription_denied',
      message,
      orderId: 'o-1',
    });
    const { problem } = client.getOrder('o-1');
    expect(problem).toBeInstanceOf(OrderProblem);
    expect((problem as OrderProblem).code).toBe('subscription_denied');
  });
});

describe('the list', () => {
  it('is told of hints, of each new connection, and by the poll while there is none', async () => {
    const { client, environment } = setUp();
    const changes: (string | undefined)[] = [];
    client.watchList((change) => changes.push(change?.status));
    await settle();
    environment.socket.goLive();
    environment.socket.receive({ type: 'orders:changed', orderId: 'o-9', status: 'READY' });
    expect(changes).toEqual([undefined, 'READY']);
    environment.socket.drop();
    await environment.pass(59_999);
    expect(changes).toHaveLength(2);
    await environment.pass(1);
    expect(changes).toEqual([undefined, 'READY', undefined]);
  });
});

describe('the fallback poll', () => {
  it('fetches what is watched while not live, and what failed when live again', async () => {
    const fetchOrder = vi.fn(async (id: string) => makeOrder(id, fetchOrder.mock.calls.length));
    const { client, environment, seen } = await setUpLive({ fetchOrder });
    environment.socket.drop();
    await environment.pass(60_000);
    expect(fetchOrder).toHaveBeenCalledTimes(1);
    expect(seen.map(({ version }) => version)).toEqual([1]);
    fetchOrder.mockRejectedValueOnce(new Error('no network'));
    await environment.pass(60_000);
    expect(String(client.getOrder('o-1').problem)).toBe('Error: no network');
    environment.wake();
    await settle();
    environment.socket.goLive();
    await settle();
    expect(fetchOrder).toHaveBeenCalledTimes(3);
    expect(client.getOrder('o-1').problem).toBeUndefined();
  });
});

describe('tokens', () => {
  it('are renewed once after 4001; a second 4001 is final until a user signs in', async () => {
    const { client, environment, getToken } = await setUpLive();
    environment.socket.drop(4001, 'Invalid token');
    await settle();
    expect(getToken.mock.calls.map(([request]) => request.fresh)).toEqual([false, true]);
    expect(environment.socket.protocols[2]).toBe('bearer.fresh');
    environment.socket.drop(4001, 'Invalid token');
    await environment.pass(600_000);
    expect(client.getState()).toEqual({ status: 'refused' });
    expect(environment.sockets).toHaveLength(2);
    client.reconnect();
    await settle();
    environment.socket.goLive();
    expect(environment.sockets).toHaveLength(3);
    expect(client.getState()).toEqual({ status: 'live' });
  });

  it('that nobody has are a refusal, and that can’t be had now are a wait', async () => {
    const signedOut = setUp({ getToken: async () => null });
    signedOut.client.watchList(() => undefined);
    await settle();
    expect(signedOut.client.getState()).toEqual({ status: 'refused' });

    const cutOff = setUp({
      getToken: async () => {
        throw new Error('no network');
      },
    });
    cutOff.client.watchList(() => undefined);
    await settle();
    const state = cutOff.client.getState();
    expect(state).toEqual({
      status: 'waiting',
      attempt: 1,
      retryAt: cutOff.environment.now() + 1000,
    });
  });
});

describe('waking', () => {
  it('connects at once', async () => {
    const { client, environment } = await setUpLive();
    environment.socket.drop();
    environment.socket.drop(); // once more is nothing
    await environment.pass(999);
    expect(environment.sockets).toHaveLength(1);
    expect(client.getState().status).toBe('waiting');
    await environment.pass(1);
    environment.socket.drop();
    await environment.pass(1500);
    environment.wake();
    await settle();
    expect(environment.sockets).toHaveLength(3);
  });

  it('probes a socket that seems open', async () => {
    const { client, environment } = await setUpLive();
    await environment.pass(2000);
    environment.wake();
    expect(environment.socket.sent.at(-1)).toEqual({ type: 'ping' });
    await environment.pass(5000);
    expect(environment.socket.closedWith).toBe(4000);
    expect(client.getState().status).toBe('waiting');
  });
});

it('a socket that can’t even be made is a failed attempt', async () => {
  const { client, environment, problems } = setUp();
  environment.openSocket = () => {
    throw new Error('blocked by the content security policy');
  };
  client.watchList(() => undefined);
  await environment.pass(0);
  expect(client.getState().status).toBe('waiting');
  expect(problems).toHaveLength(1);
});
