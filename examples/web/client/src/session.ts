// SPDX-License-Identifier: MIT

import { type Answer, ApiError, call, type Fetch, type Method } from './api.ts';
import type { KeyValueStore } from './environment.ts';
import { asObject } from './validate.ts';

export const roles = [
  'SUPER_ADMIN',
  'ORG_ADMIN',
  'STORE_MANAGER',
  'STAFF',
  'RIDER',
  'CUSTOMER',
] as const;
export type Role = (typeof roles)[number];

export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly organizationId: string | null;
}

/** `unknown` until storage has been read. */
export type SessionState =
  | { readonly status: 'unknown' }
  | { readonly status: 'signed-out'; readonly reason?: string }
  | { readonly status: 'signed-in'; readonly user: User };

export interface SessionOptions {
  /** The server, "https://orders.example". */
  readonly origin: string;
  readonly storage: KeyValueStore;
  readonly fetch: Fetch;
  /** Names the stored entry; give each app of one origin its own. */
  readonly storageKey: string;
}

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

function parseUser(value: unknown): User | null {
  const fields = asObject(value) ?? {};
  const { id, email, name, role, organizationId } = fields;
  if (typeof id !== 'string' || typeof email !== 'string') return null;
  const known = roles.find((entry) => entry === role);
  if (known === undefined) return null;
  return {
    id,
    email,
    name: typeof name === 'string' ? name : email,
    role: known,
    organizationId: typeof organizationId === 'string' ? organizationId : null,
  };
}

/**
 * Who is signed in: holds the two tokens, keeps them in storage and renews the access token. However many
 * calls find it expired at one time, it is renewed once.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #listeners = new Set<() => void>();
  #state: SessionState = { status: 'unknown' };
  #tokens: Tokens | null = null;
  #renewal: Promise<string | null> | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get state(): SessionState {
    return this.#state;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  getState = (): SessionState => this.#state;

  /** Goes on with the session that storage remembers, if the server still knows it. Once, at start. */
  async restore(): Promise<void> {
    const stored = await this.#options.storage.get(this.#options.storageKey);
    const tokens = readTokens(stored);
    if (tokens === null) {
      this.#set({ status: 'signed-out' });
      return;
    }
    this.#tokens = tokens;
    try {
      await this.#loadUser();
    } catch (error) {
      await this.signOut(error instanceof ApiError ? error.message : undefined);
    }
  }

  /** Throws `ApiError`: 401 for wrong credentials. */
  async signIn(email: string, password: string): Promise<void> {
    const { data } = await this.#call('/auth/login', { method: 'POST', body: { email, password } });
    const { accessToken, refreshToken } = asObject(data) ?? {};
    if (typeof accessToken !== 'string' || typeof refreshToken !== 'string') {
      throw new ApiError(502, 'Unreadable', 'The server’s answer can’t be read');
    }
    await this.#keep({ access: accessToken, refresh: refreshToken });
    await this.#loadUser();
  }

  async signOut(reason?: string): Promise<void> {
    this.#tokens = null;
    this.#set(reason === undefined ? { status: 'signed-out' } : { status: 'signed-out', reason });
    await this.#options.storage.remove(this.#options.storageKey);
  }

  /** For `OrderClient`: the access token; with `fresh` a new one. Null when there is none to be had. */
  getToken = async ({ fresh }: { fresh: boolean }): Promise<string | null> => {
    if (!fresh) return this.#tokens?.access ?? null;
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  };

  /** A call to the API (the path below /api/v1) as this user. Throws `ApiError`. */
  async call(path: string, options: { method?: Method; body?: unknown } = {}): Promise<Answer> {
    const token = this.#tokens?.access;
    try {
      return await this.#call(path, { ...options, token });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401 || token === undefined) throw error;
      const renewed = await this.getToken({ fresh: true });
      if (renewed === null) throw error;
      return await this.#call(path, { ...options, token: renewed });
    }
  }

  /** Null when the server no longer takes the refresh token, which ends the session. */
  async #renew(): Promise<string | null> {
    const tokens = this.#tokens;
    if (tokens === null) return null;
    try {
      const { data } = await this.#call('/auth/refresh', {
        method: 'POST',
        body: { refreshToken: tokens.refresh },
      });
      const access = asObject(data)?.accessToken;
      if (typeof access !== 'string' || this.#tokens !== tokens) return null;
      await this.#keep({ access, refresh: tokens.refresh });
      return access;
    } catch (error) {
      const refused = error instanceof ApiError && error.status >= 400 && error.status < 500;
      if (!refused || error.status === 429) throw error;
      await this.signOut('Your session has ended. Please sign in again.');
      return null;
    }
  }

  async #loadUser(): Promise<void> {
    const user = parseUser((await this.call('/auth/me')).data);
    if (user === null) throw new ApiError(502, 'Unreadable', 'The server’s answer can’t be read');
    this.#set({ status: 'signed-in', user });
  }

  async #keep(tokens: Tokens): Promise<void> {
    this.#tokens = tokens;
    await this.#options.storage.set(this.#options.storageKey, JSON.stringify(tokens));
  }

  #call(
    path: string,
    options: { method?: Method; body?: unknown; token?: string | undefined },
  ): Promise<Answer> {
    return call(this.#options.fetch, `${this.#options.origin}/api/v1${path}`, options);
  }

  #set(state: SessionState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) listener();
  }
}

function readTokens(stored: string | null): Tokens | null {
  if (stored === null) return null;
  try {
    const { access, refresh } = asObject(JSON.parse(stored)) ?? {};
    return typeof access === 'string' && typeof refresh === 'string' ? { access, refresh } : null;
  } catch {
    return null;
  }
}
