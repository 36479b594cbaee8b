// @vitest-environment jsdom
// SPDX-License-Identifier: MIT

import { ApiError, OrderClient } from '@ordercast/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FakeEnvironment, makeOrder, settle } from '../../client/test/fake-environment.ts';
import type { Desk } from '../src/desk/desk.ts';

const page = vi.hoisted(() => ({ services: {} as Record<string, unknown> }));
vi.mock('../src/services.ts', () => ({
  get api() {
    return page.services.api;
  },
  get session() {
    return page.services.session;
  },
  get timers() {
    return page.services.timers;
  },
  get now() {
    return page.services.now;
  },
  get listPace() {
    return page.services.listPace;
  },
  keptSteps: () => ({
    read: () => page.services.kept,
    keep: () => undefined,
    forget: () => undefined,
  }),
  openedOrders: () => ({ read: () => null, add: () => undefined }),
  serverAnswers: async () => false,
  settings: { get: () => ({ undoSeconds: 5, sound: false, notifications: false }) },
}));

let environment: FakeEnvironment;
let client: OrderClient;
let desk: Desk;
let calls: string[];
let answer: () => Promise<void>;
let problem: unknown;
let pending: string[];

beforeEach(async () => {
  environment = new FakeEnvironment();
  calls = [];
  answer = async () => undefined;
  problem = undefined;
  pending = [];
  const { Pace } = await import('../src/orders/paced.ts');
  page.services = {
    timers: environment.timers,
    now: () => environment.now(),
    listPace: new Pace(2000),
    kept: [],
    session: {
      getToken: async ({ fresh }: { fresh: boolean }) => calls.push(`token, fresh ${fresh}`),
      signOut: async () => calls.push('sign out'),
    },
    api: {
      listOrders: async () => {
        if (problem !== undefined) throw problem;
        return { orders: pending.map((id) => makeOrder(id, 1)) };
      },
      setStatus: async (id: string, request: { status: 'CONFIRMED'; keepalive: boolean }) => {
        calls.push(`send ${id}, keepalive ${request.keepalive}`);
        await answer();
        return makeOrder(id, 2, { status: request.status });
      },
    },
  };
  client = new OrderClient({ url: 'ws://shop.test/ws', getToken: async () => 't', environment });
});
afterEach(() => {
  desk.close();
  client.close();
  expect(environment.pendingTimers).toBe(0);
});

async function open(): Promise<void> {
  const { makeDesk } = await import('../src/desk/desk.ts');
  desk = makeDesk(client);
  await environment.pass(0);
}
const take = (): boolean => desk.steps.take({ order: makeOrder('o-1', 1), status: 'CONFIRMED' });

it('asks for a good token when a step is taken, and sends it so that it outlives the page', async () => {
  await open();
  take();
  expect(calls).toEqual(['token, fresh false']);
  await environment.pass(5000);
  expect(calls.slice(1)).toEqual(['send o-1, keepalive true']);
});

it('sends at its start what an earlier page could not', async () => {
  page.services.kept = [{ step: { order: makeOrder('o-9', 1), status: 'CONFIRMED' }, waitMs: 0 }];
  await open();
  expect(calls).toEqual(['send o-9, keepalive true']);
});

it('sends a step at once when the page is seen no more', async () => {
  await open();
  take();
  const visibility = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('visible');
  document.dispatchEvent(new Event('visibilitychange'));
  expect(calls).toHaveLength(1);
  visibility.mockReturnValue('hidden');
  document.dispatchEvent(new Event('visibilitychange'));
  visibility.mockRestore();
  expect(calls).toContain('send o-1, keepalive true');
  await settle();
});

it('signs out when the steps have been sent', async () => {
  await open();
  let arrive: () => void = () => undefined;
  answer = () =>
    new Promise((resolve) => {
      arrive = resolve;
    });
  take();
  const left = desk.signOut();
  await environment.pass(1000);
  expect(calls.slice(1)).toEqual(['send o-1, keepalive true']);
  arrive();
  await left;
  expect(calls.at(-1)).toBe('sign out');
});

it('signs out without an answer, too', async () => {
  await open();
  answer = () => new Promise(() => undefined);
  take();
  void desk.signOut();
  await environment.pass(5000);
  expect(calls.at(-1)).toBe('sign out');
});

it('looks for new orders again after a look that failed, so that they ring', async () => {
  problem = new ApiError(0, 'Unreachable', 'No');
  await open();
  problem = undefined;
  pending = ['old'];
  await environment.pass(5000);
  desk.alarm.onHint('old', 'PENDING');
  desk.alarm.onHint('new', 'PENDING');
  expect([...desk.alarm.unseen]).toEqual(['new']);
});
