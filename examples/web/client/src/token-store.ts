// SPDX-License-Identifier: MIT

import { type KeyValueStore, type Timers, withDeadline } from './environment';
import { asObject } from './validate';

export interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

export interface TokenStoreOptions {
  readonly storage: KeyValueStore;
  readonly key: string;
  readonly timers: Timers;
  readonly onProblem: (problem: unknown) => void;
}

/** How long one call to storage may take: a keychain may wait for a person who is not there. */
const timeoutMs = 5000;

/** The tokens of a session in the device's storage. Nothing here rejects; what went wrong is reported. */
export class TokenStore {
  readonly #options: TokenStoreOptions;

  constructor(options: TokenStoreOptions) {
    this.#options = options;
  }

  /** Null where there are none, undefined where storage can't tell. */
  async read(): Promise<Tokens | null | undefined> {
    try {
      return readTokens(await this.#get());
    } catch (problem) {
      this.#options.onProblem(problem);
      return undefined;
    }
  }

  /** Whether they were there afterwards. */
  async write(tokens: Tokens): Promise<boolean> {
    return this.#set(JSON.stringify(tokens));
  }

  async remove(): Promise<void> {
    const { storage, key } = this.#options;
    try {
      await this.#bounded(() => storage.remove(key));
    } catch (problem) {
      this.#options.onProblem(problem);
      await this.#set(''); // What can't be removed may still be overwritten.
    }
  }

  async #set(text: string): Promise<boolean> {
    const { storage, key } = this.#options;
    try {
      await this.#bounded(() => storage.set(key, text));
      return (await this.#get()) === text;
    } catch (problem) {
      this.#options.onProblem(problem);
      return false;
    }
  }

  #get(): Promise<string | null> {
    return this.#bounded(() => this.#options.storage.get(this.#options.key));
  }

  /** In an async function, since a storage may also throw. */
  #bounded<T>(action: () => T | Promise<T>): Promise<T> {
    const work = (async () => action())();
    const deadline = { timers: this.#options.timers, timeoutMs };
    return withDeadline(work, deadline, () => new Error('The device’s storage does not answer'));
  }
}

/** Null when the text is none of ours. */
export function readTokens(stored: string | null): Tokens | null {
  if (stored === null) return null;
  try {
    const { access, refresh } = asObject(JSON.parse(stored)) ?? {};
    return typeof access === 'string' && typeof refresh === 'string' ? { access, refresh } : null;
  } catch {
    return null;
  }
}
