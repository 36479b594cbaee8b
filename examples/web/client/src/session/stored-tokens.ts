// SPDX-License-Identifier: MIT

import { TokenStore, type TokenStoreOptions, type Tokens } from '../token-store';

const maxEnded = 16;

/**
 * The stored tokens of a session that several tabs share. Remembers which sessions have ended, since another tab may
 * still write the tokens of one back. Nothing here rejects.
 */
export class StoredTokens {
  readonly #store: TokenStore;
  /** Refresh tokens of sessions that have ended. */
  readonly #ended = new Set<string>();
  /** Whether the last write was there when it was read back. */
  #isStored = false;

  constructor(options: TokenStoreOptions) {
    this.#store = new TokenStore(options);
  }

  /** Reads what an earlier page has left. Null if there is nothing, undefined if storage can't tell. */
  async restore(): Promise<Tokens | null | undefined> {
    return this.#store.read();
  }

  /** Records that the session at hand is the stored one. */
  markStored(): void {
    this.#isStored = true;
  }

  /** Stores tokens, unless their session ends meanwhile: the end wins. */
  async keep(tokens: Tokens, isCurrent: (tokens: Tokens) => boolean): Promise<void> {
    this.#isStored = (await this.#store.write(tokens)) && isCurrent(tokens);
    if (!isCurrent(tokens)) await this.removeEnded();
  }

  async remove(): Promise<void> {
    await this.#store.remove();
  }

  /** Removes what is stored if its session has ended. */
  async removeEnded(): Promise<void> {
    const stored = await this.#store.read();
    if (stored && this.hasEnded(stored.refresh)) await this.#store.remove();
  }

  /** Records that the session at hand is over. */
  leave(): void {
    this.#isStored = false;
  }

  /** Records that the session of this refresh token has ended. */
  markEnded(refresh: string): void {
    this.#ended.add(refresh);
    for (const oldest of this.#ended) {
      if (this.#ended.size <= maxEnded) break;
      this.#ended.delete(oldest);
    }
  }

  hasEnded(refresh: string): boolean {
    return this.#ended.has(refresh);
  }

  /** Whether another tab has ended or replaced this session, and its event has not arrived here yet. */
  async isReplacedElsewhere(tokens: Tokens): Promise<boolean> {
    if (!this.#isStored) return false; // A storage that keeps nothing says nothing.
    const stored = await this.#store.read();
    return stored !== undefined && stored?.refresh !== tokens.refresh;
  }
}
