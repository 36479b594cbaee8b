// SPDX-License-Identifier: MIT

import type { KeyValueStore } from '@ordercast/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeEnvironment, makeOrder, settle } from '../../client/test/fake-environment.ts';
import { StackNavigation } from '../src/logic/navigation.ts';
import { Services } from '../src/services.ts';
import { FakeStorage } from './fake-storage.ts';

const sessionKey = 'ordercast-mobile';

/** A token as the server makes them, of this user. */
function tokensOf(userId: string): string {
  const claims = Buffer.from(JSON.stringify({ sub: userId, iat: 1, exp: 9e9 })).toString(
    'base64url',
  );
  return JSON.stringify({ access: `e30.${claims}.x`, refresh: `refresh-${userId}` });
}

const json = (status: number, body: unknown): Response =>
  new Response(JSON.stringify(body), { status });
const refusal = (): Response =>
  json(401, { success: false, error: 'No', message: 'Refused', statusCode: 401 });
const me = (id: string): Response =>
  json(200, { success: true, data: { id, email: `${id}@shop.test`, name: id, role: 'CUSTOMER' } });
const page = (id: string): Response =>
  json(200, {
    success: true,
    data: [makeOrder(id, 1)],
    meta: { total: 1, page: 1, pageSize: 20, totalPages: 1 },
  });

let notes: FakeStorage;
let storage: FakeStorage;
/** What the server answers to each call. */
let answer: (path: string) => Response | Promise<Response>;
let events: string[];

function makeServices(): Services {
  const logged: KeyValueStore = {
    get: (key) => notes.get(key),
    set: (key, value) => notes.set(key, value),
    remove: (key) => {
      events.push(`erased ${key}`);
      notes.remove(key);
    },
  };
  return new Services({
    origin: 'https://shop.test',
    storage,
    notes: logged,
    environment: new FakeEnvironment(),
    navigation: new StackNavigation(),
    newKey: () => 'key',
  });
}

async function signedIn(userId: string): Promise<Services> {
  storage.set(sessionKey, tokensOf(userId));
  answer = (path) => (path === '/auth/me' ? me(userId) : page(`of-${userId}`));
  const services = makeServices();
  await services.session.restore();
  expect(services.session.state.status).toBe('signed-in');
  return services;
}

beforeEach(() => {
  notes = new FakeStorage();
  storage = new FakeStorage();
  events = [];
  vi.stubGlobal('fetch', async (url: string) => {
    const path = url.replace('https://shop.test/api/v1', '');
    events.push(path);
    return answer(path);
  });
});
afterEach(() => vi.unstubAllGlobals());

describe('what one user has seen', () => {
  it('is shown to them while the server can’t be reached', async () => {
    await (await signedIn('a')).openAccount('a').history.reload();
    const services = makeServices();
    answer = () => Promise.reject(new TypeError('Failed to fetch'));
    await services.session.restore();
    expect(services.session.state.status).toBe('unreachable');
    expect((await services.lastHistory())?.find('of-a')).toBeDefined();
  });

  it('is never shown to another', async () => {
    await (await signedIn('a')).openAccount('a').history.reload();
    storage.set(sessionKey, tokensOf('b'));
    const services = makeServices();
    answer = () => Promise.reject(new TypeError('Failed to fetch'));
    await services.session.restore();
    expect(services.session.state.status).toBe('unreachable');
    expect(await services.lastHistory()).toBeNull();
  });

  it('is never shown where it is not known whose tokens there are', async () => {
    await (await signedIn('a')).openAccount('a').history.reload();
    storage.set(sessionKey, JSON.stringify({ access: 'opaque', refresh: 'refresh' }));
    const services = makeServices();
    answer = () => Promise.reject(new TypeError('Failed to fetch'));
    await services.session.restore();
    expect(await services.lastHistory()).toBeNull();
  });

  it('is erased when the session ends by itself, but for an order under way', async () => {
    const services = await signedIn('a');
    const account = services.openAccount('a');
    await account.history.reload();
    await account.notebook.write('basket', { address: '1 Quiet Street' });
    await account.notebook.write('attempt', { key: 'key' });
    answer = refusal;
    await services.api.listOrders({}).catch(() => undefined);
    expect(services.session.state.status).toBe('signed-out');
    await settle();
    // Its key keeps the user, once signed in again, from ordering twice.
    expect([...notes.entries.keys()]).toEqual(['ordercast-mobile-attempt']);
  });

  it('is erased before the server is told of a sign-out', async () => {
    const services = await signedIn('a');
    const account = services.openAccount('a');
    await account.history.reload();
    await account.notebook.write('attempt', { key: 'key' });
    events = [];
    let sizeAtLogout = -1;
    answer = () => {
      sizeAtLogout = notes.entries.size;
      return json(200, { success: true, data: null });
    };
    await services.signOut();
    expect(events).toContain('/auth/logout');
    expect(sizeAtLogout).toBe(0);
    expect(notes.entries.size).toBe(0);
  });

  it('is no longer on screen once another tab has signed in another user', async () => {
    const services = await signedIn('a');
    const account = services.openAccount('a');
    answer = (path) =>
      path === '/auth/me' ? Promise.reject(new TypeError('Failed to fetch')) : page('of-b');
    const followed = services.session.onStored(tokensOf('a'), tokensOf('b'));
    expect(services.session.state.status).toBe('unknown');
    await account.history.reload();
    await followed;
    expect(services.session.state.status).toBe('unreachable');
    expect(notes.entries.size).toBe(0);
    answer = () => me('b');
    await services.session.retry();
    expect(services.session.state).toMatchObject({ status: 'signed-in', user: { id: 'b' } });
  });

  it('stays on screen when another tab has signed in the same user again', async () => {
    const services = await signedIn('a');
    answer = () => Promise.reject(new TypeError('Failed to fetch'));
    const again = tokensOf('a').replace('refresh-a', 'refresh-2');
    await services.session.onStored(tokensOf('a'), again);
    expect(services.session.state.status).toBe('signed-in');
  });

  it.each([
    ['a sign-out', (services: Services) => void services.signOut()],
    [
      'the end of their session',
      (services: Services) => void services.session.onStored(tokensOf('a'), null),
    ],
    ['their account', (_: Services, account: { close(): void }) => account.close()],
  ])('is not written down again by an answer that comes after %s', async (_name, end) => {
    const services = await signedIn('a');
    const account = services.openAccount('a');
    let give: (response: Response) => void = () => undefined;
    answer = (path) =>
      path === '/auth/logout'
        ? json(200, { success: true, data: null })
        : new Promise((resolve) => {
            give = resolve;
          });
    const reloaded = account.history.reload();
    await settle();
    end(services, account);
    await settle();
    give(page('of-a'));
    await reloaded;
    await settle();
    expect(notes.entries.size).toBe(0);
  });
});
