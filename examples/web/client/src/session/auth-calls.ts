// SPDX-License-Identifier: MIT

import {
  type Answer,
  type CallOptions,
  call,
  type Fetch,
  isTokenRefusal,
  unreadable,
} from '../api';
import type { Timers } from '../environment';
import type { Tokens } from '../token-store';
import { asObject } from '../validate';

/** How long a call to the server may take. */
const callTimeoutMs = 15_000;
/** How long each call of a sign-out may take. */
const logoutTimeoutMs = 5000;

export interface AuthCallsOptions {
  /** The server, "https://orders.example". */
  readonly origin: string;
  readonly fetch: Fetch;
  readonly timers: Timers;
}

/** The server's calls that issue and revoke tokens. They throw `ApiError`. */
export class AuthCalls {
  readonly #options: AuthCallsOptions;

  constructor(options: AuthCallsOptions) {
    this.#options = options;
  }

  /** Any call below /api/v1. */
  call(path: string, options: CallOptions, timeoutMs = callTimeoutMs): Promise<Answer> {
    const { origin, fetch, timers } = this.#options;
    return call(fetch, `${origin}/api/v1${path}`, options, { timers, timeoutMs });
  }

  async logIn(email: string, password: string): Promise<Tokens> {
    const { data } = await this.call('/auth/login', { method: 'POST', body: { email, password } });
    const { accessToken, refreshToken } = asObject(data) ?? {};
    if (typeof accessToken !== 'string' || typeof refreshToken !== 'string') throw unreadable();
    return { access: accessToken, refresh: refreshToken };
  }

  /** Returns a new access token. */
  async refresh(refreshToken: string): Promise<string> {
    const body = { refreshToken };
    return accessOf(await this.call('/auth/refresh', { method: 'POST', body }));
  }

  /** Tells the server that a session has ended. Does nothing if the server has ended it already. */
  async logOut(tokens: Tokens, deviceToken: string | undefined): Promise<void> {
    const body = {
      refreshToken: tokens.refresh,
      ...(deviceToken === undefined ? {} : { deviceToken }),
    };
    const post = (path: string, more: CallOptions): Promise<Answer> =>
      this.call(path, { method: 'POST', keepalive: true, ...more }, logoutTimeoutMs);
    try {
      try {
        await post('/auth/logout', { body, token: tokens.access });
      } catch (problem) {
        if (!isTokenRefusal(problem)) throw problem;
        // The access token has expired: get another one for this call alone.
        const answer = await post('/auth/refresh', { body: { refreshToken: tokens.refresh } });
        await post('/auth/logout', { body, token: accessOf(answer) });
      }
    } catch (problem) {
      if (!isTokenRefusal(problem)) throw problem;
    }
  }
}

function accessOf({ data }: Answer): string {
  const access = asObject(data)?.accessToken;
  if (typeof access !== 'string') throw unreadable();
  return access;
}
