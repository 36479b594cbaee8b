// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { OrderClient } from '../../src/order-client.ts';
import { FakeEnvironment, settle } from '../fake-environment.ts';

/** A client that watches its list, live on a server that selects `protocol`; `sent` holds what it sends from then on. */
async function setUpLive(protocol: string) {
  const environment = new FakeEnvironment();
  environment.protocol = protocol;
  const problems: unknown[] = [];
  const client = new OrderClient({
    url: 'ws://shop.test/ws',
    getToken: async () => 'token',
    environment,
    onProblem: (problem) => problems.push(problem),
  });
  client.watchList(() => undefined);
  await settle();
  environment.socket.goLive();
  environment.socket.sent.length = 0;
  const watch = (ids: readonly string[]) => ids.map((id) => client.watchOrder(id, () => undefined));
  return { client, environment, problems, watch, sent: environment.socket.sent };
}

const idsOf = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const subscribe = (orderId: string) => ({ type: 'subscribe', orderId, since: 0 });
const unsubscribe = (orderId: string) => ({ type: 'unsubscribe', orderId });
/** The ids that messages of this type name, with `orders` or without. */
function named(sent: readonly Record<string, unknown>[], type: string): unknown[] {
  return sent
    .filter((message) => message.type === type)
    .flatMap(({ orders, orderId }) =>
      Array.isArray(orders) ? orders.map((entry: { orderId: string }) => entry.orderId) : [orderId],
    );
}

describe('subscribes and unsubscribes of one tick', () => {
  it('go out as a few messages when a page of fifty replaces another', async () => {
    const { watch, sent } = await setUpLive('ordercast.v2');
    const [old, next] = [idsOf('old-order-of-36-bytes-like-a-uuid', 50), idsOf('next', 50)];
    const stops = watch(old);
    await settle();
    sent.length = 0;
    for (const stop of stops) stop();
    watch(next);
    await settle();
    expect(sent.length).toBeLessThanOrEqual(4);
    expect(named(sent, 'unsubscribe')).toEqual(old);
    expect(named(sent, 'subscribe')).toEqual(next);
    for (const message of sent) expect(JSON.stringify(message).length).toBeLessThanOrEqual(4096);
  });

  it('keep their sequence', async () => {
    const { watch, sent } = await setUpLive('ordercast.v2');
    watch(['a'])[0]?.();
    watch(['a', 'b'])[0]?.();
    await settle();
    expect(sent).toEqual([
      subscribe('a'),
      unsubscribe('a'),
      { type: 'subscribe', orders: ['a', 'b'].map((orderId) => ({ orderId, since: 0 })) },
      unsubscribe('a'),
    ]);
  });

  it('go out before a ping or a presence that comes after them', async () => {
    const { environment, watch, sent } = await setUpLive('ordercast.v2');
    environment.socket.receive({ type: 'hello', epoch: 'one', node: '' });
    sent.length = 0;
    watch(['a', 'b']);
    environment.show(true);
    watch(['c']);
    await environment.pass(25_000);
    const orders = ['a', 'b'].map((orderId) => ({ orderId, since: 0 }));
    expect(sent).toEqual([
      { type: 'subscribe', orders, epoch: 'one' },
      { type: 'presence', visible: true },
      { ...subscribe('c'), epoch: 'one' },
      { type: 'ping' },
    ]);
  });

  it('are one message only where they know one epoch', async () => {
    const { environment, watch, sent } = await setUpLive('ordercast.v2');
    watch(['a']);
    environment.socket.receive({ type: 'hello', epoch: 'one', node: '' });
    watch(['b']);
    await settle();
    expect(sent).toEqual([subscribe('a'), { ...subscribe('b'), epoch: 'one' }]);
  });

  it('are sent one by one and at once to a server of the first edition', async () => {
    const { watch, sent } = await setUpLive('ordercast.v1');
    watch(['a', 'b'])[0]?.();
    expect(sent).toEqual([subscribe('a'), subscribe('b'), unsubscribe('a')]);
    await settle();
    expect(sent).toHaveLength(3);
  });

  it('are sent one by one after a message was too big for the server', async () => {
    const { environment, watch } = await setUpLive('ordercast.v2');
    watch(['a', 'b']);
    await settle();
    environment.socket.drop(1009);
    await environment.pass(1000);
    environment.socket.goLive();
    watch(['c', 'd']);
    await settle();
    const sent = environment.socket.sent.filter(({ type }) => type === 'subscribe');
    expect(sent).toEqual(['a', 'b', 'c', 'd'].map(subscribe));
  });

  it('are told to the next connection when theirs ends before they are sent', async () => {
    const { environment, watch, sent } = await setUpLive('ordercast.v2');
    const [leave] = watch(['a', 'b', 'c']);
    leave?.();
    environment.socket.drop();
    await environment.pass(1000);
    expect(environment.sockets).toHaveLength(2);
    environment.socket.goLive();
    await settle();
    expect(sent).toEqual([]);
    expect(named(environment.socket.sent, 'subscribe')).toEqual(['b', 'c']);
    expect(named(environment.socket.sent, 'unsubscribe')).toEqual([]);
  });

  it('end the connection that can’t send them, and are told to the next', async () => {
    const { client, environment, problems, watch } = await setUpLive('ordercast.v2');
    const old = environment.socket;
    old.send = () => {
      throw new Error('InvalidStateError');
    };
    watch(['a', 'b']);
    await settle();
    expect(problems.map(String)).toEqual(['Error: InvalidStateError']);
    expect(old.closedWith).toBe(4000);
    expect(client.getState().status).toBe('waiting');
    await environment.pass(1000);
    environment.socket.goLive();
    expect(named(environment.socket.sent, 'subscribe')).toEqual(['a', 'b']);
  });
});
