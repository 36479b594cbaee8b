// SPDX-License-Identifier: MIT

import { type Answer, ApiError, type Fetch, isTokenRefusal, type Method, unreadable } from './api';
import { Backoff } from './backoff';
import {
  type KeyValueStore,
  type Lifecycle,
  monotonicClock,
  systemTimers,
  type TimerId,
  type Timers,
} from './environment';
import { type Report, reportTo, runReporting } from './report';
import { AuthCalls } from './session/auth-calls';
import { HeldTokens } from './session/held-tokens';
import { StoredTokens } from './session/stored-tokens';
import { tokenUserId } from './token';
import { readTokens, type Tokens } from './token-store';
import { parseUser, type User } from './user';

/**
 * - `unknown`: storage is being read, or the server is asked about these tokens for the first time.
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
  /** Defaults to the platform's. `onWake` makes an unreachable server be asked at once. */
  readonly environment?: SessionEnvironment;
  /** Hears of problems that stop nothing: storage that fails, a listener that throws. */
  readonly onProblem?: (problem: unknown) => void;
}

export interface SessionEnvironment {
  readonly timers: Timers;
  readonly lifecycle?: Pick<Lifecycle, 'onWake'>;
  now(): number;
  random(): number;
}

/**
 * Knows who is signed in: holds the two tokens, stores them and renews the access token, once however many calls find
 * it expired at the same time.
 *
 * Only the order server's own 401 ends a session: a network that fails, a proxy and a captive portal do not. Every
 * wait has a deadline.
 */
export class Session {
  readonly #report: Report;
  readonly #environment: SessionEnvironment;
  readonly #auth: AuthCalls;
  readonly #stored: StoredTokens;
  readonly #tokens: HeldTokens;
  readonly #backoff = new Backoff({ baseMs: 1000, maxMs: 30_000, maxRetryAfterMs: 300_000 });
  readonly #listeners = new Set<() => void>();
  #state: SessionState = { status: 'unknown' };
  #renewal: Promise<string | null> | null = null;
  #retry: { readonly timer: TimerId; readonly stopWaking: (() => void) | undefined } | null = null;

  constructor(options: SessionOptions) {
    this.#report = reportTo((problem) => options.onProblem?.(problem));
    this.#environment = options.environment ?? {
      timers: systemTimers,
      now: monotonicClock(),
      random: () => Math.random(),
    };
    const { timers } = this.#environment;
    this.#auth = new AuthCalls({ origin: options.origin, fetch: options.fetch, timers });
    this.#stored = new StoredTokens({
      storage: options.storage,
      key: options.storageKey,
      timers,
      onProblem: this.#report,
    });
    const now = (): number => this.#environment.now();
    this.#tokens = new HeldTokens(now, this.#environment.random());
  }

  get state(): SessionState {
    return this.#state;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  getState = (): SessionState => this.#state;

  /** Whose tokens are held, as they say themselves: also while the server can't be asked. Null if there are none. */
  get heldUserId(): string | null {
    const { access } = this.#tokens;
    return access === null ? null : tokenUserId(access);
  }

  /** Resumes the stored session if the server still accepts it. Call once, at start. Never rejects. */
  async restore(): Promise<void> {
    const tokens = await this.#stored.restore();
    if (this.#tokens.current !== null || this.#state.status !== 'unknown') return; // A sign-in or sign-out came first.
    if (tokens === undefined) {
      const reason = 'This device can’t read what it remembers. Please sign in again.';
      this.#set({ status: 'signed-out', reason });
      return;
    }
    if (tokens === null) {
      this.#set({ status: 'signed-out' });
      return;
    }
    this.#stored.markStored();
    this.#tokens.set(tokens);
    await this.#resume(tokens);
  }

  /** Asks an unreachable server at once instead of later. Never rejects. */
  retry = async (): Promise<void> => {
    const tokens = this.#tokens.current;
    if (this.#state.status !== 'unreachable' || tokens === null || this.#retry === null) return;
    this.#stopRetrying();
    await this.#resume(tokens);
  };

  /** Throws `ApiError`: 401 for wrong credentials. */
  async signIn(email: string, password: string): Promise<void> {
    const tokens = await this.#auth.logIn(email, password);
    this.#stopRetrying();
    this.#tokens.set(tokens, true);
    void this.#keep(tokens); // Not awaited: a keychain may be slow.
    const problem = await this.#resume(tokens);
    if (problem !== undefined && this.#state.status !== 'unreachable') throw problem;
  }

  /**
   * Ends the session here at once, even if the server can't be reached. If it can, it refuses the tokens from then on,
   * closes their sockets, and sends no more pushes to `deviceToken`. Settles when both are done or given up; never
   * rejects.
   */
  async signOut({ deviceToken }: { deviceToken?: string } = {}): Promise<void> {
    const tokens = this.#tokens.current;
    // Starts first, since the page may be about to close.
    const told =
      tokens === null ? undefined : this.#auth.logOut(tokens, deviceToken).catch(this.#report);
    await this.#forget();
    await told;
  }

  /**
   * Follows another tab: call it with the old and the new value of a `storage` event. A session that ended there ends
   * here, and one that was renewed there continues with the new token.
   */
  async onStored(before: string | null, after: string | null): Promise<void> {
    const ended = readTokens(before)?.refresh;
    const tokens = readTokens(after);
    const held = this.#tokens.current;
    if (tokens === null) {
      if (ended !== undefined) this.#stored.markEnded(ended);
      if (held !== null && (ended === undefined || ended === held.refresh)) this.#end();
      await this.#stored.removeEnded();
    } else if (this.#stored.hasEnded(tokens.refresh)) {
      await this.#stored.removeEnded(); // A tab that had not heard of it yet.
    } else if (held !== null) {
      const isOther = tokens.refresh !== held.refresh;
      this.#tokens.set(tokens);
      if (!isOther) return;
      this.#stopRetrying();
      // Nothing of one user's is shown, nor asked for, with the tokens of another.
      const { heldUserId } = this;
      const shown = this.#state.status === 'signed-in' ? this.#state.user.id : heldUserId;
      if (heldUserId !== null && heldUserId !== shown) this.#set({ status: 'unknown' });
      await this.#resume(tokens);
    }
  }

  /** For `OrderClient`: returns the access token, a new one if `fresh`; null if there is none. */
  getToken = async ({ fresh }: { fresh: boolean }): Promise<string | null> => {
    if (fresh) return this.#renewOnce();
    if (!this.#tokens.needsRenewal) return this.#tokens.access;
    try {
      return await this.#renewOnce();
    } catch {
      return this.#tokens.access; // It may be good for a while yet: the server decides.
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

  /** For `OrderClient`: how long the access token may still be used; null if that is not known. */
  tokenExpiresInMs = (): number | null => this.#tokens.expiresInMs;

  /** Calls the API as this user; `path` is below /api/v1. Throws `ApiError`. */
  async call(
    path: string,
    options: {
      method?: Method;
      body?: unknown;
      headers?: Readonly<Record<string, string>>;
      keepalive?: boolean;
    } = {},
  ): Promise<Answer> {
    const token = (await this.getToken({ fresh: false })) ?? undefined;
    try {
      return await this.#auth.call(path, { ...options, token });
    } catch (error) {
      if (!isTokenRefusal(error) || token === undefined) throw error;
      // Another call may have renewed it meanwhile.
      const current = this.#tokens.access;
      const isRenewed = current !== null && current !== token;
      const renewed = isRenewed ? current : await this.getToken({ fresh: true });
      if (renewed === null) throw error;
      return await this.#auth.call(path, { ...options, token: renewed });
    }
  }

  // ---- The server -------------------------------------------------------------------------------

  /** Returns null if the server rejects the refresh token, which ends the session. */
  async #renew(): Promise<string | null> {
    const tokens = this.#tokens.current;
    if (tokens === null) return null;
    let access: string;
    try {
      access = await this.#auth.refresh(tokens.refresh);
    } catch (error) {
      if (!isTokenRefusal(error)) throw error;
      if (!this.#isCurrent(tokens)) return this.#tokens.access;
      await this.#forget('Your session has ended. Please sign in again.');
      return null;
    }
    // Whoever ended or replaced the session meanwhile wins, in this tab or in another.
    if (!this.#isCurrent(tokens)) return this.#tokens.access;
    if (await this.#stored.isReplacedElsewhere(tokens)) {
      if (this.#isCurrent(tokens)) this.#end();
      return null;
    }
    if (!this.#isCurrent(tokens)) return this.#tokens.access;
    const renewed = { access, refresh: tokens.refresh };
    this.#tokens.set(renewed, true);
    void this.#keep(renewed);
    return access;
  }

  /** Asks whose tokens these are, and keeps asking until there is an answer. Returns what went wrong. */
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
      if (this.#isCurrent(tokens)) void this.#resume(this.#tokens.current ?? tokens);
    };
    this.#stopRetrying();
    this.#retry = {
      timer: this.#environment.timers.set(again, delay),
      stopWaking: this.#environment.lifecycle?.onWake(again),
    };
    // A user who is signed in stays signed in: the page may be stale, which the connection state shows.
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

  // ---- Tokens and storage -----------------------------------------------------------------------

  /** Whether this is still the session at hand; its access token may have been renewed. */
  #isCurrent(tokens: Tokens): boolean {
    return this.#tokens.isCurrent(tokens);
  }

  async #forget(reason?: string): Promise<void> {
    this.#end(reason);
    await this.#stored.remove();
  }

  #end(reason?: string): void {
    const tokens = this.#tokens.current;
    if (tokens !== null) this.#stored.markEnded(tokens.refresh);
    this.#tokens.clear();
    this.#renewal = null;
    this.#stored.leave();
    this.#stopRetrying();
    this.#backoff.reset();
    this.#set(reason === undefined ? { status: 'signed-out' } : { status: 'signed-out', reason });
  }

  #keep(tokens: Tokens): Promise<void> {
    return this.#stored.keep(tokens, (kept) => this.#isCurrent(kept));
  }

  // ---- Telling ----------------------------------------------------------------------------------

  #set(state: SessionState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) runReporting(this.#report, listener);
  }
}
