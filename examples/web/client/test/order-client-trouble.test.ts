// SPDX-License-Identifier: MIT

import { describe, expect, it, vi } from 'vitest';
import { monotonicClock } from '../src/environment.ts';
import { OrderClient, type OrderClientOptions, OrderProblem } from '../src/order-client.ts';
import { nativeEnvironment } from '../src/platform/native.ts';
import { webEnvironment } from '../src/platform/web.ts';
import { problemText } from '../src/problem.ts';
import type { Order } from '../src/types.ts';
import { FakeEnvironment, makeOrder, settle, updated } from './fake-environment.ts';

async function setUpLive(options: Partial<OrderClientOptions> = {}) {
  const environment = new FakeEnvironment();
  const problems: unknown[] = [];
  const client = new OrderClient({
    url: 'ws://shop.test/ws',
    getToken: async ({ fresh }) => (fresh ? 'fresh' : 'stored'),
    environment,
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
  const seen: Order[] = [];
  const stop = client.watchOrder('o-1', (order) => seen.push(order));
  client.observeOrder('o-1', () => undefined);
  await settle();
  environment.socket.goLive();
  await settle();
  return { client, environment, problems, seen, stop };
}

const error = (code: string): unknown => ({ type: 'error', code, message: 'no', orderId: 'o-1' });
const subscribesOf = (environment: FakeEnvironment): unknown[] =>
  environment.socket.sent.filter(({ type }) => type === 'subscribe');

describe('what throws', () => {
  it('in onProblem stops nothing', async () => {
    let told = 0;
    const { client, environment, seen } = await setUpLive({
      onProblem: () => {
        told += 1;
        throw new Error('the reporter is broken');
      },
    });
    client.watchOrder('o-1', () => {
      throw new Error('mine');
    });
    environment.socket.receive(updated(makeOrder('o-1', 1)));
    environment.socket.receive(updated(makeOrder('o-1', 2)));
    expect(seen.map(({ version }) => version)).toEqual([1, 2]);
    expect(told).toBe(2);
    environment.socket.drop();
    await environment.pass(1000);
    expect(environment.sockets).toHaveLength(2);
  });

  it('in a socket’s send is the end of that socket, and of no more', async () => {
    const { client, environment, problems } = await setUpLive();
    const old = environment.socket;
    old.send = () => {
      throw new Error('InvalidStateError');
    };
    client.watchOrder('o-2', () => undefined);
    expect(problems.map(String)).toEqual(['Error: InvalidStateError']);
    expect(client.getState().status).toBe('waiting');
    expect(old.closedWith).toBe(4000);
    await environment.pass(1000);
    environment.socket.goLive();
    expect(client.getState().status).toBe('live');
    expect(subscribesOf(environment)).toHaveLength(2);
  });

  it('in a timer’s setting is told, and the next input goes on', async () => {
    const { environment, problems, seen } = await setUpLive();
    const { set } = environment.timers;
    environment.timers.set = () => {
      throw new Error('no timers');
    };
    environment.socket.receive(updated(makeOrder('o-1', 1)));
    environment.timers.set = set;
    environment.socket.receive(updated(makeOrder('o-1', 2)));
    expect(seen.map(({ version }) => version)).toEqual([1, 2]);
    expect(problems.map(String)).toEqual(['Error: no timers']);
  });
});

describe('the clock', () => {
  it.each([
    ['a browser', () => webEnvironment().now],
    ['an app', () => nativeEnvironment({ addEventListener: vi.fn() }).now],
  ])('of %s does not follow the device’s', (_name, clockOf) => {
    const now = clockOf();
    const before = now();
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
    expect(now()).toBeGreaterThanOrEqual(before);
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 7_200_000);
    expect(now() - before).toBeLessThan(60_000);
    vi.restoreAllMocks();
  });

  it('where there is only the device’s counts no step back', () => {
    vi.stubGlobal('performance', undefined);
    let date = 1_000_000;
    vi.spyOn(Date, 'now').mockImplementation(() => date);
    const now = monotonicClock();
    date += 500;
    expect(now()).toBe(500);
    date -= 3_600_000;
    expect(now()).toBe(500);
    date += 250;
    expect(now()).toBe(750);
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });
});

describe('a page that was frozen', () => {
  it('keeps a healthy socket whose pong waits behind the late timer', async () => {
    const { client, environment } = await setUpLive();
    for (let round = 0; round < 3; round += 1) {
      await environment.pass(25_000);
      expect(environment.socket.sent.at(-1)).toEqual({ type: 'ping' });
      environment.freeze(3_600_000);
      await environment.pass(0); // The timer comes first, late.
      expect(client.getState().status).toBe('live');
      environment.socket.receive({ type: 'pong' });
      await environment.pass(0);
    }
    expect(environment.sockets).toHaveLength(1);
  });

  it('gives up a dead socket soon after, also when every timer is late', async () => {
    const { client, environment } = await setUpLive();
    await environment.pass(25_000);
    environment.freeze(60_000);
    await environment.pass(0);
    expect(environment.socket.sent.at(-1)).toEqual({ type: 'ping' });
    environment.freeze(60_000);
    await environment.pass(0);
    expect(environment.socket.closedWith).toBe(4000);
    expect(client.getState().status).toBe('waiting');
  });
});

describe('a subscription', () => {
  it('that was denied is asked for again by a retry, and then lives', async () => {
    const fetchOrder = vi.fn(async (id: string) => makeOrder(id, 1));
    fetchOrder.mockRejectedValueOnce(new Error('404'));
    const { client, environment, seen } = await setUpLive({ fetchOrder });
    environment.socket.receive(error('subscription_denied'));
    expect(problemText(client.getOrder('o-1').problem)).toMatch(/no such order/);
    await client.refresh('o-1');
    expect(client.getOrder('o-1')).toMatchObject({ order: { version: 1 }, problem: undefined });
    expect(subscribesOf(environment)).toHaveLength(2);
    environment.socket.receive(updated(makeOrder('o-1', 2)));
    expect(seen.map(({ version }) => version)).toEqual([1, 2]);
  });

  it('that was denied is retried over the socket alone where nothing is fetched', async () => {
    const { client, environment, seen } = await setUpLive();
    environment.socket.receive(error('subscription_denied'));
    await client.refresh('o-1');
    environment.socket.receive(updated(makeOrder('o-1', 1)));
    expect(seen).toHaveLength(1);
    expect(client.getOrder('o-1').problem).toBeUndefined();
  });

  it('that was denied is not asked for again by itself', async () => {
    const { environment } = await setUpLive({
      fetchOrder: () => Promise.reject(new Error('404')),
    });
    environment.socket.receive(error('subscription_denied'));
    environment.socket.drop();
    await environment.pass(1000);
    environment.socket.goLive();
    await environment.pass(600_000);
    expect(subscribesOf(environment)).toEqual([]);
  });

  it('that is unavailable is no denial: it is asked for again with backoff until it is there', async () => {
    let fetched = 0;
    const { client, environment, seen } = await setUpLive({
      fetchOrder: () => {
        fetched += 1;
        return Promise.reject(new Error('503'));
      },
    });
    const { problem } = client.getOrder('o-1');
    expect(String(problem)).toBe('Error: 503');
    const times: number[] = [];
    const before = fetched;
    const start = environment.now();
    const { send } = environment.socket;
    environment.socket.send = function (text) {
      send.call(this, text);
      if (!text.includes('subscribe')) return;
      times.push(environment.now() - start);
    };
    for (const wait of [1000, 2000, 4000, 8000]) {
      environment.socket.receive(error('unavailable'));
      environment.socket.receive(error('unavailable')); // said twice, asked once
      expect(problemText(client.getOrder('o-1').problem)).toMatch(/can’t tell just now/);
      await environment.pass(wait);
    }
    expect(times).toEqual([1000, 3000, 7000, 15_000]);
    expect(fetched - before).toBe(4);
    environment.socket.receive(updated(makeOrder('o-1', 1)));
    expect(client.getOrder('o-1').problem).toBeUndefined();
    expect(seen).toHaveLength(1);
  });

  it('that is unavailable is fetched when it is asked for again, which ends the complaint', async () => {
    const { client, environment } = await setUpLive({ fetchOrder: async (id) => makeOrder(id, 1) });
    environment.socket.receive(error('unavailable'));
    expect(client.getOrder('o-1').problem).toBeInstanceOf(OrderProblem);
    await environment.pass(1000);
    expect(client.getOrder('o-1')).toMatchObject({ order: { version: 1 }, problem: undefined });
  });

  it('from what is known asks only for what is newer', async () => {
    const { client, environment } = await setUpLive();
    const versions: number[] = [];
    client.watchOrder('o-2', ({ version }) => versions.push(version), makeOrder('o-2', 7));
    expect(environment.socket.sent.at(-1)).toEqual({
      type: 'subscribe',
      orderId: 'o-2',
      since: 7,
    });
    environment.socket.receive(updated(makeOrder('o-2', 8)));
    expect(versions).toEqual([7, 8]);
  });
});

describe('a fetch that never settles', () => {
  it('does not keep later ones from being made', async () => {
    let calls = 0;
    const { client, environment } = await setUpLive({
      fetchOrder: (id) => {
        calls += 1;
        return calls === 1 ? new Promise(() => undefined) : Promise.resolve(makeOrder(id, 1));
      },
    });
    await environment.pass(60_000);
    expect(problemText(client.getOrder('o-1').problem)).toMatch(/does not answer/);
    await client.refresh('o-1');
    expect(client.getOrder('o-1').order?.version).toBe(1);
  });
});

describe('another store', () => {
  const hello = (epoch: string) => ({ type: 'hello', epoch, node: 'a' });

  it('makes the client take whatever version comes', async () => {
    const { client, environment, seen } = await setUpLive();
    let told = 0;
    client.watchList(() => {
      told += 1;
    });
    environment.socket.receive(hello('first'));
    environment.socket.receive(updated(makeOrder('o-1', 9)));
    expect(client.generation).toBe(0);
    environment.socket.drop();
    await environment.pass(1000);
    environment.socket.onopen?.();
    expect(environment.socket.sent[0]).toEqual({
      type: 'subscribe',
      orderId: 'o-1',
      since: 9,
      epoch: 'first',
    });
    environment.socket.receive(hello('second'));
    environment.socket.receive(updated(makeOrder('o-1', 3)));
    expect(seen.map(({ version }) => version)).toEqual([9, 3]);
    expect(client.getOrder('o-1').order?.version).toBe(3);
    expect(client.generation).toBe(1);
    client.offer(makeOrder('o-1', 4));
    expect(seen.map(({ version }) => version)).toEqual([9, 3, 4]);
    expect(told).toBeGreaterThan(0);
  });

  it('is not concluded from a connection without a hello', async () => {
    const { environment, seen } = await setUpLive();
    environment.socket.receive(updated(makeOrder('o-1', 9)));
    environment.socket.drop();
    await environment.pass(1000);
    environment.socket.goLive();
    environment.socket.receive(updated(makeOrder('o-1', 3)));
    expect(seen.map(({ version }) => version)).toEqual([9]);
  });
});

describe('presence', () => {
  const presenceOf = ({ socket }: FakeEnvironment): unknown[] =>
    socket.sent.filter(({ type }) => type === 'presence').map(({ visible }) => visible);
  const hello = { type: 'hello', epoch: 'e', node: '' };

  it('is said when it changes, and at a connect only while a user may look', async () => {
    const { environment } = await setUpLive();
    environment.show(true);
    expect(presenceOf(environment)).toEqual([]); // An old server would not understand it.
    environment.socket.receive(hello);
    environment.show(false);
    environment.show(false);
    environment.show(true);
    expect(presenceOf(environment)).toEqual([true, false, true]);
    environment.show(false);
    environment.socket.drop();
    await environment.pass(1000);
    environment.socket.goLive();
    environment.socket.receive(hello);
    expect(presenceOf(environment)).toEqual([]);
  });

  it('is listened for no longer than the connection is wanted', async () => {
    const { client, environment } = await setUpLive();
    expect(environment.visibleListeners).toBe(1);
    client.close();
    expect(environment.visibleListeners).toBe(0);
  });
});

describe('a token that is about to expire', () => {
  it('is asked for anew before a connect, instead of after a refusal', async () => {
    const environment = new FakeEnvironment();
    const asked: boolean[] = [];
    const client = new OrderClient({
      url: 'ws://shop.test/ws',
      getToken: async ({ fresh }) => {
        asked.push(fresh);
        return `token-${asked.length}`;
      },
      tokenExpiresInMs: () => 60_000,
      environment,
    });
    client.watchList(() => undefined);
    await settle();
    environment.socket.goLive();
    await environment.pass(50_000 - 25_000); // Still good: the same token again.
    environment.socket.drop();
    await environment.pass(1000);
    expect(environment.socket.protocols[2]).toBe('bearer.token-1');
    environment.socket.goLive();
    await environment.pass(20_000);
    environment.socket.receive({ type: 'pong' });
    await environment.pass(20_000);
    environment.socket.drop();
    await environment.pass(1000);
    expect(environment.socket.protocols[2]).toBe('bearer.token-2');
    expect(asked).toEqual([false, false]);
  });
});
