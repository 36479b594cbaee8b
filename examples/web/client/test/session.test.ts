// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { ApiError, type Fetch, OrderApi } from '../src/api.ts';
import { Session } from '../src/session.ts';
import { makeOrder } from './fake-environment.ts';

const me = {
  id: 'user-1',
  email: 'a@shop.test',
  name: 'Asha',
  role: 'SUPER_ADMIN',
  organizationId: null,
};

/** A server that takes one access token at a time; `calls` is what it was asked. */
function setUp() {
  const calls: string[] = [];
  const stored = new Map<string, string>();
  let valid = 'access-1';
  let renewals = 0;
  let refreshStatus = 200;
  const logouts: unknown[] = [];
  const answer = (status: number, body: object): Response =>
    new Response(JSON.stringify(body), { status });
  const refuse = (status: number): Response =>
    answer(status, { success: false, error: 'No', message: 'Refused', statusCode: status });
  const fetch: Fetch = async (url, init) => {
    const path = url.replace('https://shop.test/api/v1', '');
    calls.push(`${init?.method} ${path}`);
    const body = init?.body === undefined ? {} : JSON.parse(String(init.body));
    if (path === '/auth/logout') logouts.push({ body, keepalive: init?.keepalive });
    if (path === '/auth/login') {
      if (body.password !== 'right') return refuse(401);
      return answer(200, { success: true, data: { accessToken: valid, refreshToken: 'refresh' } });
    }
    if (path === '/auth/refresh') {
      if (refreshStatus !== 200) return refuse(refreshStatus);
      renewals += 1;
      valid = `access-${renewals + 1}`;
      return answer(200, { success: true, data: { accessToken: valid } });
    }
    const authorization = new Headers(init?.headers).get('Authorization');
    if (authorization !== `Bearer ${valid}`) return refuse(401);
    if (path === '/auth/me') return answer(200, { success: true, data: me });
    return answer(200, { success: true, data: makeOrder('o-1', 1) });
  };
  const options = {
    origin: 'https://shop.test',
    storageKey: 'session',
    fetch,
    storage: {
      get: async (key: string) => stored.get(key) ?? null,
      set: async (key: string, value: string) => void stored.set(key, value),
      remove: async (key: string) => void stored.delete(key),
    },
  };
  return {
    calls,
    logouts,
    stored,
    session: new Session(options),
    again: () => new Session(options),
    expire: () => {
      valid = 'another';
    },
    refuseRefresh: (status: number) => {
      refreshStatus = status;
    },
  };
}

describe('a session', () => {
  it('begins with the right password, and is there after a restart', async () => {
    const { session, again } = setUp();
    await session.restore();
    expect(session.state).toEqual({ status: 'signed-out' });
    await expect(session.signIn('a@shop.test', 'wrong')).rejects.toMatchObject({ status: 401 });
    await session.signIn('a@shop.test', 'right');
    expect(session.state).toEqual({ status: 'signed-in', user: me });
    const later = again();
    await later.restore();
    expect(later.state).toEqual({ status: 'signed-in', user: me });
  });

  it('renews an expired token once, however many calls find it expired', async () => {
    const { session, calls, expire } = setUp();
    await session.signIn('a@shop.test', 'right');
    expire();
    const api = new OrderApi(session);
    const orders = await Promise.all([api.getOrder('o-1'), api.getOrder('o-1')]);
    expect(orders.map(({ id }) => id)).toEqual(['o-1', 'o-1']);
    expect(calls.filter((call) => call.endsWith('/auth/refresh'))).toHaveLength(1);
    expect(await session.getToken({ fresh: false })).toBe('access-2');
  });

  it('ends when the refresh token is no longer good', async () => {
    const { session, stored, expire, refuseRefresh } = setUp();
    await session.signIn('a@shop.test', 'right');
    expire();
    refuseRefresh(401);
    expect(await session.getToken({ fresh: true })).toBeNull();
    expect(session.state).toMatchObject({ status: 'signed-out', reason: /session has ended/ });
    expect(stored.size).toBe(0);
  });

  it('outlives a server that is in trouble', async () => {
    const { session, refuseRefresh } = setUp();
    await session.signIn('a@shop.test', 'right');
    for (const status of [429, 500, 503]) {
      refuseRefresh(status);
      await expect(session.getToken({ fresh: true })).rejects.toMatchObject({ status });
    }
    expect(session.state.status).toBe('signed-in');
  });

  it('leaves nothing behind when it ends', async () => {
    const { session, stored } = setUp();
    await session.signIn('a@shop.test', 'right');
    expect(stored.size).toBe(1);
    await session.signOut();
    expect(stored.size).toBe(0);
    expect(await session.getToken({ fresh: false })).toBeNull();
    expect(await session.getToken({ fresh: true })).toBeNull();
  });
});

describe('a sign-out', () => {
  it('is told to the server, with the device, and goes on when the page is left', async () => {
    const { session, calls, logouts } = setUp();
    await session.signIn('a@shop.test', 'right');
    await session.signOut({ deviceToken: 'device-1' });
    const body = { refreshToken: 'refresh', deviceToken: 'device-1' };
    expect(logouts).toEqual([{ body, keepalive: true }]);
    expect(calls.filter((call) => call.includes('refresh'))).toEqual([]);
    await session.signOut(); // There is nothing left to end.
    expect(logouts).toHaveLength(1);
  });

  it('with an expired access token gets one for that call, and keeps it nowhere', async () => {
    const { session, stored, logouts, expire } = setUp();
    await session.signIn('a@shop.test', 'right');
    expire();
    await session.signOut();
    expect(logouts).toEqual(Array(2).fill({ body: { refreshToken: 'refresh' }, keepalive: true }));
    expect(stored.size).toBe(0);
    expect(await session.getToken({ fresh: false })).toBeNull();
  });

  it('of a session that the server has ended stops there', async () => {
    const { session, calls, logouts, expire, refuseRefresh } = setUp();
    await session.signIn('a@shop.test', 'right');
    expire();
    refuseRefresh(401);
    await session.signOut();
    expect(logouts).toHaveLength(1);
    expect(calls.at(-1)).toBe('POST /auth/refresh');
  });
});

describe('an answer', () => {
  it('that is no order is an error, not an order', async () => {
    const { session } = setUp();
    await session.signIn('a@shop.test', 'right');
    session.call = async () => ({ data: { id: 'o-1' }, meta: undefined });
    await expect(new OrderApi(session).getOrder('o-1')).rejects.toBeInstanceOf(ApiError);
    await expect(new OrderApi(session).listOrders({})).rejects.toBeInstanceOf(ApiError);
  });

  it('with one odd entry is a list of the others, which says so', async () => {
    const { session } = setUp();
    await session.signIn('a@shop.test', 'right');
    const odd = { ...makeOrder('o-2', 1), status: 'ON_HOLD', note: { by: 'staff' } };
    const meta = { total: 3, page: 1, pageSize: 20, totalPages: 1 };
    session.call = async () => ({ data: [makeOrder('o-1', 1), odd, { id: 'o-3' }], meta });
    const page = await new OrderApi(session).listOrders({});
    expect(page.orders.map(({ id, status }) => [id, status])).toEqual([
      ['o-1', 'PENDING'],
      ['o-2', 'ON_HOLD'],
    ]);
    expect(page.unreadable).toBe(1);
    session.call = async () => ({ data: [{ id: 's-1', name: 'Shop' }, { id: 7 }], meta });
    expect(await new OrderApi(session).listStores()).toEqual([{ id: 's-1', name: 'Shop' }]);
  });
});
