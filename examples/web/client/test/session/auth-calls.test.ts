// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { AuthCalls } from '../../src/session/auth-calls.ts';
import { FakeEnvironment } from '../fake-environment.ts';

const tokens = { access: 'access-1', refresh: 'refresh-1' };
const refusal = { success: false, error: 'No', message: 'Refused', statusCode: 401 };

/** Calls whose server answers in order with these statuses and bodies. */
function setUp(...answers: [number, unknown][]) {
  const calls: string[] = [];
  const receivers: unknown[] = [];
  async function fetch(this: unknown, url: string, init?: RequestInit): Promise<Response> {
    receivers.push(this);
    const { Authorization = '' } = (init?.headers ?? {}) as Record<string, string>;
    calls.push(`${url.replace('https://shop.test/api/v1', '')} ${Authorization}`.trim());
    const [status, body] = answers.shift() ?? [200, { success: true, data: {} }];
    return new Response(JSON.stringify(body), { status });
  }
  const { timers } = new FakeEnvironment();
  return { auth: new AuthCalls({ origin: 'https://shop.test', fetch, timers }), calls, receivers };
}

describe('auth calls', () => {
  it('log out with a new access token if the old one has expired', async () => {
    const { auth, calls } = setUp(
      [401, refusal],
      [200, { success: true, data: { accessToken: 'access-2' } }],
    );
    await auth.logOut(tokens, undefined);
    expect(calls).toEqual([
      '/auth/logout Bearer access-1',
      '/auth/refresh',
      '/auth/logout Bearer access-2',
    ]);
  });

  it('take a session that the server has ended for logged out, but not one it can’t answer for', async () => {
    await setUp([401, refusal], [401, refusal]).auth.logOut(tokens, undefined);
    const { auth } = setUp([503, { ...refusal, statusCode: 503 }]);
    await expect(auth.logOut(tokens, undefined)).rejects.toMatchObject({ status: 503 });
  });

  it('refuse an answer without tokens', async () => {
    const { auth } = setUp();
    await expect(auth.logIn('a', 'b')).rejects.toMatchObject({ title: 'Unreadable' });
    await expect(auth.refresh('r')).rejects.toMatchObject({ title: 'Unreadable' });
  });

  it('call fetch without a receiver, as browsers demand', async () => {
    const { auth, receivers } = setUp();
    await auth.call('/stores', {});
    expect(receivers).toEqual([undefined]);
  });
});
