// SPDX-License-Identifier: MIT

import type { Fetch } from '../src/api.ts';
import type { KeyValueStore } from '../src/environment.ts';
import { Session } from '../src/session.ts';
import { FakeEnvironment } from './fake-environment.ts';

export const me = {
  id: 'user-1',
  email: 'a@shop.test',
  name: 'Asha',
  role: 'SUPER_ADMIN',
  organizationId: null,
};
export const key = 'session';
export const remembered = JSON.stringify({ access: 'access-1', refresh: 'refresh-1' });

export const json = (status: number, body: unknown, headers?: Record<string, string>): Response =>
  new Response(JSON.stringify(body), { status, ...(headers && { headers }) });
export const html = (status: number): Response => new Response('<html>Welcome</html>', { status });
export const refusal = (status: number): Response =>
  json(status, { success: false, error: 'No', message: 'Refused', statusCode: status });
export const ok = (data: unknown): Response => json(200, { success: true, data });

/** A browser's storage that is shared by tabs. */
export class SharedStorage implements KeyValueStore {
  readonly entries = new Map<string, string>([[key, remembered]]);
  get(name: string): string | null {
    return this.entries.get(name) ?? null;
  }
  set(name: string, value: string): void {
    this.entries.set(name, value);
  }
  remove(name: string): void {
    this.entries.delete(name);
  }
}

/** A session whose server answers by `answers`, or, where there is none left, as it should. */
export function setUp(options: { storage?: KeyValueStore; environment?: FakeEnvironment } = {}) {
  const environment = options.environment ?? new FakeEnvironment();
  const storage = options.storage ?? new SharedStorage();
  const answers: (() => Response | Promise<Response>)[] = [];
  const calls: string[] = [];
  const problems: unknown[] = [];
  const fetch: Fetch = async (url, init) => {
    const path = url.replace('https://shop.test/api/v1', '');
    calls.push(path);
    void init;
    const answer = answers.shift();
    if (answer !== undefined) return answer();
    if (path === '/auth/refresh') return ok({ accessToken: 'access-2' });
    if (path === '/auth/login') return ok({ accessToken: 'access-9', refreshToken: 'refresh-9' });
    return ok(me);
  };
  const session = new Session({
    origin: 'https://shop.test',
    storage,
    fetch,
    storageKey: key,
    environment,
    onProblem: (problem) => problems.push(problem),
  });
  return { session, environment, storage, answers, calls, problems };
}

export const rejects = (): Promise<Response> => Promise.reject(new TypeError('Failed to fetch'));
