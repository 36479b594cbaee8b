// SPDX-License-Identifier: MIT

import {
  type Answer,
  ApiError,
  type CallOptions,
  call,
  type Fetch,
  isTokenRefusal,
  type Method,
  unreadable,
} from './api.ts';
import { Backoff } from './backoff.ts';
import {
  type KeyValueStore,
  type Lifecycle,
  monotonicClock,
  systemTimers,
  type TimerId,
  type Timers,
} from './environment.ts';
import { tokenLife } from './token.ts';
import { readTokens, TokenStore, type Tokens } from './token-store.ts';
import { parseUser, type User } from './user.ts';
import { asObject } from './validate.ts';

/**
 * - `unknown`: storage is being read, or the server is asked for the first time.
 * - `unreachable`: there is a session, but the server can't be asked about it. It is asked again by itself.
 */
export type SessionState =
  | { readonly status: 'unknown' }
  | { readonly status: 'unreachable'; readonly reason: string }
  | { readonly status: 'signed-out'; readonly reason?: string }
  | { readonly status: 'signed-in'; readonly user: User };

export interface SessionOptions {
  /** The server, "https://orders.example". */
  readonly origin: string;
  readonly storage: KeyValueStore;
  readonly fetch: Fetch;
  /** Names the stored entry; give each app of one origin its own. */
  readonly storageKey: string;
  /** The platform's own where it is left out. `onWake` asks an unreachable server at once. */
  readonly environment?: SessionEnvironment;
  /** Told what went wrong without stopping anything: storage that fails, a listener that throws. */
  readonly onProblem?: (problem: unknown) => void;
}

export interface SessionEnvironment {
  readonly timers: Timers;
  readonly lifecycle?: Pick<Lifecycle, 'onWake'>;
  now(): number;
  random(): number;
}

/** How long a call to the server may take. */
const callTimeoutMs = 15_000;
/** The same for telling it of a sign-out. */
const logoutTimeoutMs = 5000;
/** A token that ends within this time, or up to twice this time, is renewed before it is used. */
const marginMs = 30_000;
const maxRevoked = 16;

/**
 * Who is signed in: holds the two tokens, keeps them in storage and renews the access token. However many
 * calls find it expired at one time, it is renewed once.
 *
 * Only the order server's own 401 ends a session: a network that fails, a proxy and a captive portal do not. Every
 * wait has a deadline.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #environment: SessionEnvironment;
  readonly #store: TokenStore;
  readonly #backoff = new Backoff({ baseMs: 1000, maxMs: 30_000, maxRetryAfterMs: 300_000 });
  readonly #listeners = new Set<() => void>();
  /** Refresh tokens of sessions that have ended: another tab may still write one back. */
  readonly #revoked = new Set<string>();
  readonly #marginMs: number;
  #state: SessionState = { status: 'unknown' };
  #tokens: Tokens | null = null;
  /** When the access token should be renewed, by the environment's clock; null where it is not known. */
  #renewAt: number | null = null;
  /** Whether what was stored last was there when it was read back. */
  #isStored = false;
  #renewal: Promise<string | null> | null = null;
  #retry: { readonly timer: TimerId; readonly stopWaking: (() => void) | undefined } | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#environment = options.environment ?? {
      timers: systemTimers,
      now: monotonicClock(),
      random: () => Math.random(),
    };
    this.#store = new TokenStore({
      storage: options.storage,
      key: options.storageKey,
      timers: this.#environment.timers,
      onProblem: (problem) => this.#report(problem),
    });
    // Of each session its own, so that those who signed in together don't renew together.
    this.#marginMs = marginMs * (1 + this.#environment.random());
  }

  get state(): SessionState {
    return this.#state;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  getState = (): SessionState => this.#state;

  /** Goes on with the session that storage remembers, if the server still knows it. Once, at start. Never rejects. */
  async restore(): Promise<void> {
    const tokens = await this.#store.read();
    if (this.#tokens !== null || this.#state.status !== 'unknown') return; // Somebody was faster.
    if (tokens === undefined) {
      const reason = 'This device can’t read what it remembers. Please sign in again.';
      this.#set({ status: 'signed-out', reason });
      return;
    }
    if (tokens === null) {
      this.#set({ status: 'signed-out' });
      return;
    }
    this.#isStored = true;
    this.#adopt(tokens);
    await this.#resume(tokens);
  }

  /** Asks a server that could not be reached at once instead of later. Never rejects. */
  retry = async (): Promise<void> => {
    const tokens = this.#tokens;
    if (this.#state.status !== 'unreachable' || tokens === null || this.#retry === null) return;
    this.#stopRetrying();
    await this.#resume(tokens);
  };

  /** Throws `ApiError`: 401 for wrong credentials. */
  async signIn(email: string, password: string): Promise<void> {
    const { data } = await this.#call('/auth/login', { method: 'POST', body: { email, password } });
    const { accessToken, refreshToken } = asObject(data) ?? {};
    if (typeof accessToken !== 'string' || typeof refreshToken !== 'string') throw unreadable();
    const tokens = { access: accessToken, refresh: refreshToken };
    this.#stopRetrying();
    this.#adopt(tokens, true);
    void this.#keep(tokens); // Nobody waits for a keychain.
    const problem = await this.#resume(tokens);
    if (problem !== undefined && this.#state.status !== 'unreachable') throw problem;
  }

  /**
   * Ends the session here at once, and on the server as well as it can be done: its tokens are refused from then on,
   * its sockets close, and `deviceToken` gets no more pushes. A server that can't be reached keeps nobody signed in.
   * Settles when both are done or given up; never rejects.
   */
  async signOut({ deviceToken }: { deviceToken?: string } = {}): Promise<void> {
    const tokens = this.#tokens;
    // Begun first: the page may be about to be left.
    const told = tokens === null ? undefined : this.#logOut(tokens, deviceToken);
    await this.#forget();
    await told;
  }

  /**
   * For what another tab has stored, from the event of that name: its values before and after. A session that
   * was ended there has ended here, and one that was renewed there goes on with the new token.
   */
  async onStored(before: string | null, after: string | null): Promise<void> {
    const ended = readTokens(before)?.refresh;
    const tokens = readTokens(after);
    if (tokens === null) {
      if (ended !== undefined) this.#revoke(ended);
      if (this.#tokens !== null && (ended === undefined || ended === this.#tokens.refresh)) {
        this.#end();
      }
      await this.#removeRevoked();
    } else if (this.#revoked.has(tokens.refresh)) {
      await this.#removeRevoked(); // A tab that had not heard of it yet.
    } else if (this.#tokens !== null) {
      const isOther = tokens.refresh !== this.#tokens.refresh;
      this.#adopt(tokens);
      if (!isOther) return;
      this.#stopRetrying();
      await this.#resume(tokens);
    }
  }

  /** For `OrderClient`: the access token; with `fresh` a new one. Null when there is none to be had. */
  getToken = async ({ fresh }: { fresh: boolean }): Promise<string | null> => {
    if (fresh) return this.#renewOnce();
    if (this.#renewAt === null || this.#environment.now() < this.#renewAt) {
      return this.#tokens?.access ?? null;
    }
    try {
      return await this.#renewOnce();
    } catch {
      return this.#tokens?.access ?? null; // It may be good for a while yet: the server decides.
    }
  };

  #renewOnce(): Promise<string | null> {
    if (this.#renewal !== null) return this.#renewal;
    const renewal = this.#renew().finally(() => {
      if (this.#renewal === renewal) this.#renewal = null;
    });
    this.#renewal = renewal;
    return renewal;
  }

  /** For `OrderClient`: how long the access token may still be used; null where that is not known. */
  tokenExpiresInMs = (): number | null =>
    this.#renewAt === null ? null : this.#renewAt - this.#environment.now();

  /** A call to the API (the path below /api/v1) as this user. Throws `ApiError`. */
  async call(path: string, options: { method?: Method; body?: unknown } = {}): Promise<Answer> {
    const token = (await this.getToken({ fresh: false })) ?? undefined;
    try {
      return await this.#call(path, { ...options, token });
    } catch (error) {
      if (!isTokenRefusal(error) || token === undefined) throw error;
      // Another call may have renewed it meanwhile.
      const current = this.#tokens?.access;
      const isRenewed = current !== undefined && current !== token;
      const renewed = isRenewed ? current : await this.getToken({ fresh: true });
      if (renewed === null) throw error;
      return await this.#call(path, { ...options, token: renewed });
    }
  }

  // ---- The server -------------------------------------------------------------------------------

  /** Tells the server that this session has ended. Never rejects. */
  async #logOut(tokens: Tokens, deviceToken: string | undefined): Promise<void> {
    const body = {
      refreshToken: tokens.refresh,
      ...(deviceToken === undefined ? {} : { deviceToken }),
    };
    const post = (path: string, more: CallOptions): Promise<Answer> =>
      this.#call(path, { method: 'POST', keepalive: true, ...more }, logoutTimeoutMs);
    try {
      try {
        await post('/auth/logout', { body, token: tokens.access });
      } catch (problem) {
        if (!isTokenRefusal(problem)) throw problem;
        // It has expired; the refresh token gets one that the server takes, for this call alone.
        const { data } = await post('/auth/refresh', { body: { refreshToken: tokens.refresh } });
        const access = asObject(data)?.accessToken;
        if (typeof access !== 'string') throw unreadable();
        await post('/auth/logout', { body, token: access });
      }
    } catch (problem) {
      // A refresh token that the server no longer takes has ended already.
      if (!isTokenRefusal(problem)) this.#report(problem);
    }
  }

  /** Null when the server no longer takes the refresh token, which ends the session. */
  async #renew(): Promise<string | null> {
    const tokens = this.#tokens;
    if (tokens === null) return null;
    let data: unknown;
    try {
      const body = { refreshToken: tokens.refresh };
      ({ data } = await this.#call('/auth/refresh', { method: 'POST', body }));
    } catch (error) {
      if (!isTokenRefusal(error)) throw error;
      if (!this.#isCurrent(tokens)) return this.#tokens?.access ?? null;
      await this.#forget('Your session has ended. Please sign in again.');
      return null;
    }
    const access = asObject(data)?.accessToken;
    if (typeof access !== 'string') throw unreadable();
    // Whoever ended or replaced the session meanwhile wins, in this tab or in another.
    if (!this.#isCurrent(tokens)) return this.#tokens?.access ?? null;
    if (await this.#isRevokedElsewhere(tokens)) {
      if (this.#isCurrent(tokens)) this.#end();
      return null;
    }
    if (!this.#isCurrent(tokens)) return this.#tokens?.access ?? null;
    const renewed = { access, refresh: tokens.refresh };
    this.#adopt(renewed, true);
    void this.#keep(renewed);
    return access;
  }

  /** Asks who these tokens belong to, and goes on asking while there is no answer. Returns what went wrong. */
  async #resume(tokens: Tokens): Promise<unknown> {
    try {
      const user = parseUser((await this.call('/auth/me')).data);
      if (user === null) throw unreadable();
      if (!this.#isCurrent(tokens)) return undefined;
      this.#backoff.reset();
      this.#set({ status: 'signed-in', user });
      return undefined;
    } catch (error) {
      if (!this.#isCurrent(tokens)) return error;
      if (isTokenRefusal(error)) {
        await this.#forget('Your session has ended. Please sign in again.');
      } else {
        this.#retryLater(tokens, error);
      }
      return error;
    }
  }

  #retryLater(tokens: Tokens, error: unknown): void {
    const retryAfterMs = error instanceof ApiError ? error.retryAfterMs : null;
    const delay = this.#backoff.next({ draw: this.#environment.random(), retryAfterMs });
    const again = (): void => {
      this.#stopRetrying();
      if (this.#isCurrent(tokens)) void this.#resume(this.#tokens ?? tokens);
    };
    this.#stopRetrying();
    this.#retry = {
      timer: this.#environment.timers.set(again, delay),
      stopWaking: this.#environment.lifecycle?.onWake(again),
    };
    // Who is signed in stays so: only what is shown may be old, and the connection says that.
    if (this.#state.status === 'signed-in') return;
    const why = error instanceof ApiError ? error.message : 'Something went wrong';
    this.#set({ status: 'unreachable', reason: why });
  }

  #stopRetrying(): void {
    const retry = this.#retry;
    this.#retry = null;
    if (retry === null) return;
    this.#environment.timers.clear(retry.timer);
    retry.stopWaking?.();
  }

  #call(path: string, options: CallOptions, timeoutMs = callTimeoutMs): Promise<Answer> {
    const url = `${this.#options.origin}/api/v1${path}`;
    const deadline = { timers: this.#environment.timers, timeoutMs };
    return call(this.#options.fetch, url, options, deadline);
  }

  // ---- Tokens and storage -----------------------------------------------------------------------

  /** Whether this is still the session at hand; its access token may have been renewed. */
  #isCurrent(tokens: Tokens): boolean {
    return this.#tokens?.refresh === tokens.refresh;
  }

  /** `fresh`: just made by the server, so that its age is known whatever the device's clock says. */
  #adopt(tokens: Tokens, fresh = false): void {
    this.#tokens = tokens;
    const life = tokenLife(tokens.access);
    if (life === null) {
      this.#renewAt = null;
      return;
    }
    const lifetime = life.issuedAt === null ? Infinity : life.expiresAt - life.issuedAt;
    const byDate = life.expiresAt - Date.now();
    const left = fresh && lifetime !== Infinity ? lifetime : Math.min(lifetime, byDate);
    // A token that lives shorter than the margin is used for half of its life.
    const margin = Math.min(this.#marginMs, lifetime / 2);
    this.#renewAt = this.#environment.now() + left - margin;
  }

  async #forget(reason?: string): Promise<void> {
    this.#end(reason);
    await this.#store.remove();
  }

  #end(reason?: string): void {
    if (this.#tokens !== null) this.#revoke(this.#tokens.refresh);
    this.#tokens = null;
    this.#renewAt = null;
    this.#renewal = null;
    this.#isStored = false;
    this.#stopRetrying();
    this.#backoff.reset();
    this.#set(reason === undefined ? { status: 'signed-out' } : { status: 'signed-out', reason });
  }

  #revoke(refresh: string): void {
    this.#revoked.add(refresh);
    for (const oldest of this.#revoked) {
      if (this.#revoked.size <= maxRevoked) break;
      this.#revoked.delete(oldest);
    }
  }

  /** Whether another tab has ended this session, or begun another, which its event has not told us yet. */
  async #isRevokedElsewhere(tokens: Tokens): Promise<boolean> {
    if (!this.#isStored) return false; // A storage that keeps nothing says nothing.
    const stored = await this.#store.read();
    return stored !== undefined && stored?.refresh !== tokens.refresh;
  }

  /** Removes what is stored if its session has ended. */
  async #removeRevoked(): Promise<void> {
    const stored = await this.#store.read();
    if (stored && this.#revoked.has(stored.refresh)) await this.#store.remove();
  }

  async #keep(tokens: Tokens): Promise<void> {
    this.#isStored = (await this.#store.write(tokens)) && this.#isCurrent(tokens);
    // Ended while it was being written: the end wins.
    if (!this.#isCurrent(tokens)) await this.#removeRevoked();
  }

  // ---- Telling ----------------------------------------------------------------------------------

  #set(state: SessionState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (problem) {
        this.#report(problem);
      }
    }
  }

  #report(problem: unknown): void {
    try {
      this.#options.onProblem?.(problem);
    } catch {
      // Who is told of problems must not make one.
    }
  }
}
