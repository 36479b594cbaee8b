// SPDX-License-Identifier: MIT

import { describe, expect, it, vi } from 'vitest';
import { Session } from '../src/session.ts';
import { tokenLife } from '../src/token.ts';
import { FakeEnvironment, settle } from './fake-environment.ts';
import {
  html,
  json,
  key,
  me,
  ok,
  refusal,
  rejects,
  remembered,
  SharedStorage,
  setUp,
} from './fake-server-session.ts';

describe('a session that is restored', () => {
  it.each<[string, () => Response | Promise<Response>]>([
    ['a network that fails', rejects],
    ['503', () => refusal(503)],
    ['429', () => refusal(429)],
    ['502 with HTML', () => html(502)],
    ['200 with HTML, as a captive portal answers', () => html(200)],
    ['200 with other JSON', () => json(200, { hello: 'world' })],
    ['200 with no user in it', () => ok({})],
    ['a proxy’s 401', () => html(401)],
    ['a proxy’s 401 with JSON of its own', () => json(401, { message: 'Sign in to the proxy' })],
    ['a proxy’s 403', () => html(403)],
    ['a proxy’s 404', () => html(404)],
    ['a proxy’s 407', () => html(407)],
    ['a proxy’s 408', () => html(408)],
    ['a proxy’s 511', () => html(511)],
  ])('outlives %s', async (_name, answer) => {
    const { session, environment, storage, answers } = setUp();
    answers.push(answer);
    await session.restore();
    expect(session.state).toMatchObject({ status: 'unreachable', reason: /./ });
    expect(storage.get(key)).toBe(remembered);
    await environment.pass(1000);
    expect(session.state).toEqual({ status: 'signed-in', user: me });
    expect(environment.pendingTimers).toBe(0);
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ['a network that fails', rejects],
    ['a proxy’s 401', () => html(401)],
    ['a proxy’s 403', () => html(403)],
    ['our own 403', () => refusal(403)],
    ['200 with no token', () => ok({})],
  ])('outlives %s in answer to a renewal', async (_name, answer) => {
    const { session, environment, storage, answers } = setUp();
    answers.push(() => refusal(401), answer);
    await session.restore();
    expect(session.state.status).toBe('unreachable');
    expect(storage.get(key)).toBe(remembered);
    await environment.pass(1000);
    expect(session.state.status).toBe('signed-in');
  });

  it('ends with the server’s own 401, and says so', async () => {
    const { session, storage, answers } = setUp();
    answers.push(
      () => refusal(401),
      () => refusal(401),
    );
    await session.restore();
    expect(session.state).toMatchObject({ status: 'signed-out', reason: /session has ended/ });
    expect(storage.get(key)).toBeNull();
  });

  it('is asked for with backoff, as the server wants it, and at once when the device wakes', async () => {
    const { session, environment, answers, calls } = setUp();
    const busy = { success: false, error: 'Busy', message: 'Busy', statusCode: 429 };
    answers.push(rejects, rejects, () => json(429, busy, { 'Retry-After': '20' }), rejects);
    await session.restore();
    await environment.pass(1000);
    expect(calls).toHaveLength(2);
    await environment.pass(2000);
    expect(calls).toHaveLength(3);
    await environment.pass(19_999);
    expect(calls).toHaveLength(3);
    await environment.pass(1);
    expect(calls).toHaveLength(4);
    environment.wake();
    await environment.pass(0);
    await settle();
    expect(calls).toHaveLength(5);
    expect(session.state.status).toBe('signed-in');
    expect(environment.pendingTimers).toBe(0);
    expect(environment.wakers).toBe(0);
  });

  it('can be ended, and another begun, while the server can’t be reached', async () => {
    const { session, environment, storage, answers } = setUp();
    answers.push(rejects);
    await session.restore();
    await session.signOut();
    expect(session.state).toEqual({ status: 'signed-out' });
    expect(storage.get(key)).toBeNull();
    expect(environment.pendingTimers).toBe(0);
    await session.signIn('a@shop.test', 'right');
    expect(session.state.status).toBe('signed-in');
  });

  it('keeps a role of the future', async () => {
    const { session, answers } = setUp();
    answers.push(() => ok({ ...me, role: 'AUDITOR' }));
    await session.restore();
    expect(session.state).toEqual({ status: 'signed-in', user: { ...me, role: 'AUDITOR' } });
  });
});

describe('a sign-out', () => {
  it.each<[string, () => Response | Promise<Response>]>([
    ['a network that fails', rejects],
    ['a proxy’s 401', () => html(401)],
    ['503', () => refusal(503)],
    ['a server that knows no logout', () => refusal(404)],
  ])('happens here whatever the server says: %s', async (_name, answer) => {
    const { session, environment, storage, answers, problems } = setUp();
    await session.restore();
    answers.push(answer);
    await session.signOut();
    expect(session.state).toEqual({ status: 'signed-out' });
    expect(storage.get(key)).toBeNull();
    expect(problems).toHaveLength(1);
    expect(environment.pendingTimers).toBe(0);
  });

  it('is here at once, and waits for a silent server for five seconds and no longer', async () => {
    const { session, environment, storage, answers, calls } = setUp();
    await session.restore();
    answers.push(() => new Promise(() => undefined));
    let settled = false;
    void session.signOut().then(() => (settled = true));
    expect(calls.at(-1)).toBe('/auth/logout');
    expect(session.state).toEqual({ status: 'signed-out' });
    await settle();
    expect(storage.get(key)).toBeNull();
    expect(settled).toBe(false);
    await environment.pass(5000);
    await settle();
    expect(settled).toBe(true);
    expect(environment.pendingTimers).toBe(0);
  });

  it('by the server is not told back to it', async () => {
    const { session, answers, calls } = setUp();
    await session.restore();
    answers.push(() => refusal(401));
    expect(await session.getToken({ fresh: true })).toBeNull();
    expect(session.state.status).toBe('signed-out');
    expect(calls).not.toContain('/auth/logout');
  });

  it('in another tab is told by that tab alone', async () => {
    const { session, calls } = setUp();
    await session.restore();
    await session.onStored(remembered, null);
    expect(session.state.status).toBe('signed-out');
    expect(calls).not.toContain('/auth/logout');
  });
});

describe('a device’s storage', () => {
  const never = (): Promise<never> => new Promise(() => undefined);
  const fails = (): Promise<never> => Promise.reject(new Error('keychain is locked'));

  it.each<[string, () => Promise<never>]>([
    ['rejects', fails],
    ['never answers', never],
  ])('that %s signs out with a reason', async (_name, get) => {
    const { session, environment, problems } = setUp({
      storage: { get, set: () => undefined, remove: () => undefined },
    });
    void session.restore();
    await environment.pass(5000);
    expect(session.state).toMatchObject({ status: 'signed-out', reason: /can’t read/ });
    expect(problems).toHaveLength(1);
    expect(environment.pendingTimers).toBe(0);
  });

  it.each<[string, () => Promise<never>]>([
    ['rejects', fails],
    ['never answers', never],
  ])('that %s when it is written stops no sign-in and no sign-out', async (_name, set) => {
    const { session, environment } = setUp({ storage: { get: () => null, set, remove: set } });
    void session.signIn('a@shop.test', 'right');
    await environment.pass(10_000);
    expect(session.state.status).toBe('signed-in');
    expect(await session.getToken({ fresh: true })).toBe('access-2');
    void session.signOut();
    expect(session.state.status).toBe('signed-out');
    await environment.pass(20_000);
    expect(environment.pendingTimers).toBe(0);
  });

  it('that forgets what is written does not end the session at its renewal', async () => {
    const { session } = setUp({
      storage: { get: () => null, set: () => undefined, remove: () => undefined },
    });
    await session.signIn('a@shop.test', 'right');
    expect(await session.getToken({ fresh: true })).toBe('access-2');
    expect(session.state.status).toBe('signed-in');
  });
});

describe('a call that is never answered', () => {
  const silence = (): Promise<Response> => new Promise(() => undefined);
  const halfAnswer = (): Response => new Response(new ReadableStream({}), { status: 200 });

  it.each<[string, () => Response | Promise<Response>]>([
    ['without an answer', silence],
    ['with half a body', halfAnswer],
  ])('%s keeps no session unknown and captures no later renewal', async (_name, answer) => {
    const { session, environment, answers, calls } = setUp();
    answers.push(answer, () => refusal(401), answer);
    void session.restore();
    await environment.pass(15_000);
    expect(session.state).toMatchObject({ status: 'unreachable', reason: /does not answer/ });
    await environment.pass(1000); // The second try finds the token expired; its renewal hangs.
    expect(calls.at(-1)).toBe('/auth/refresh');
    const captured = session.getToken({ fresh: true });
    captured.catch(() => undefined);
    await environment.pass(15_000);
    await expect(captured).rejects.toMatchObject({ status: 0 });
    await environment.pass(2000);
    expect(session.state.status).toBe('signed-in');
    expect(await session.getToken({ fresh: true })).toBe('access-2');
    expect(environment.pendingTimers).toBe(0);
  });
});

describe('two tabs', () => {
  async function setUpTabs() {
    const storage = new SharedStorage();
    const a = setUp({ storage });
    const b = setUp({ storage });
    await a.session.restore();
    await b.session.restore();
    return { storage, a, b };
  }

  it('a sign-out in one wins over a renewal in the other that began before it', async () => {
    const { storage, a, b } = await setUpTabs();
    let answer: (response: Response) => void = () => undefined;
    b.answers.push(() => new Promise((done) => (answer = done)));
    const renewed = b.session.getToken({ fresh: true });
    await settle();
    await a.session.signOut(); // Its event has not come to b yet.
    answer(ok({ accessToken: 'access-2' }));
    expect(await renewed).toBeNull();
    expect(storage.get(key)).toBeNull();
    expect(b.session.state.status).toBe('signed-out');
  });

  it('tokens that a late tab has written back are removed by whoever hears of it', async () => {
    const { storage, a, b } = await setUpTabs();
    await a.session.signOut();
    const late = JSON.stringify({ access: 'access-2', refresh: 'refresh-1' });
    storage.set(key, late);
    await a.session.onStored(null, late);
    expect(storage.get(key)).toBeNull();
    expect(a.session.state.status).toBe('signed-out');
    storage.set(key, late);
    await b.session.onStored(remembered, null);
    expect(storage.get(key)).toBeNull();
    expect(b.session.state.status).toBe('signed-out');
    expect(await b.session.getToken({ fresh: true })).toBeNull();
  });

  it('a renewal in one is used by the other', async () => {
    const { storage, a, b } = await setUpTabs();
    await a.session.getToken({ fresh: true });
    await b.session.onStored(remembered, storage.get(key));
    expect(await b.session.getToken({ fresh: false })).toBe('access-2');
  });

  it('a sign-in after a sign-out is not undone by the late news of that', async () => {
    const { storage, a, b } = await setUpTabs();
    await a.session.signOut();
    await a.session.signIn('b@shop.test', 'right');
    const stored = storage.get(key);
    await b.session.onStored(remembered, null);
    expect(storage.get(key)).toBe(stored);
    expect(a.session.state.status).toBe('signed-in');
  });

  it('a sign-in as another user in one is followed by the other', async () => {
    const { storage, a, b } = await setUpTabs();
    await a.session.signIn('b@shop.test', 'right');
    await b.session.onStored(remembered, storage.get(key));
    expect(await b.session.getToken({ fresh: false })).toBe('access-9');
  });
});

describe('a token that is about to expire', () => {
  const base64 = (value: unknown): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  const tokenOf = (claims: object): string => `${base64({ alg: 'HS256' })}.${base64(claims)}.sig`;

  it('is read, whatever else is in it', () => {
    const claims = { sub: 'é😀', iat: 1_790_000_000.5, exp: 1_790_000_900.5 };
    expect(tokenLife(tokenOf(claims))).toEqual({
      issuedAt: 1_790_000_000_500,
      expiresAt: 1_790_000_900_500,
    });
    for (const text of ['', 'a.b', 'x.e30.y', tokenOf({ exp: 'soon' }), tokenOf({})]) {
      expect(tokenLife(text)).toBeNull();
    }
  });

  it('is renewed before it is used, and not before that', async () => {
    const { session, environment, answers, calls } = setUp();
    const token = tokenOf({ iat: 1_790_000_000, exp: 1_790_000_900 });
    answers.push(() => ok({ accessToken: token, refreshToken: 'refresh' }));
    await session.signIn('a@shop.test', 'right'); // Whatever the device's clock says.
    expect(await session.getToken({ fresh: false })).toBe(token);
    expect(session.tokenExpiresInMs()).toBe(870_000);
    await environment.pass(869_999);
    await session.call('/stores');
    expect(calls).not.toContain('/auth/refresh');
    await environment.pass(1);
    await session.call('/stores');
    expect(calls.slice(-2)).toEqual(['/auth/refresh', '/stores']);
  });

  it('is used all the same when it can’t be renewed', async () => {
    const { session, environment, answers } = setUp();
    const token = tokenOf({ iat: 1_790_000_000, exp: 1_790_000_900 });
    answers.push(() => ok({ accessToken: token, refreshToken: 'refresh' }));
    await session.signIn('a@shop.test', 'right');
    await environment.pass(880_000);
    answers.push(rejects);
    expect(await session.getToken({ fresh: false })).toBe(token);
  });

  it('is renewed at another time in each session', async () => {
    const token = tokenOf({ iat: 1_790_000_000, exp: 1_790_000_900 });
    const left = new Set<number | null>();
    for (const draw of [0, 0.25, 0.5, 0.99]) {
      const environment = new FakeEnvironment();
      environment.random = () => draw;
      const { session, answers } = setUp({ environment });
      answers.push(() => ok({ accessToken: token, refreshToken: 'refresh' }));
      await session.signIn('a@shop.test', 'right');
      left.add(session.tokenExpiresInMs());
    }
    expect(left.size).toBe(4);
  });
});

it('a listener that throws keeps nothing from the others', async () => {
  const { session, problems } = setUp();
  const told = vi.fn();
  session.subscribe(() => {
    throw new Error('mine');
  });
  session.subscribe(told);
  await session.restore();
  expect(told).toHaveBeenCalled();
  expect(problems.map(String)).toContain('Error: mine');
});

it('a session calls fetch without a receiver, as browsers demand', async () => {
  const receivers: unknown[] = [];
  async function fetch(this: unknown): Promise<Response> {
    receivers.push(this);
    return ok(me);
  }
  const environment = new FakeEnvironment();
  const storage = new SharedStorage();
  const origin = 'https://shop.test';
  const session = new Session({ origin, storage, fetch, storageKey: key, environment });
  await session.restore();
  expect(session.state.status).toBe('signed-in');
  expect(receivers).toEqual([undefined]);
});
