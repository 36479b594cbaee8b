// SPDX-License-Identifier: MIT

import { tokenLife } from '../token';
import type { Tokens } from '../token-store';

/** A token that expires within this time, or up to twice this time, is renewed before it is used. */
const marginMs = 30_000;

/** The two tokens of the session at hand, and when the access token should be renewed. */
export class HeldTokens {
  readonly #now: () => number;
  readonly #marginMs: number;
  #tokens: Tokens | null = null;
  /** By the clock `now`; null if it is not known. */
  #renewAt: number | null = null;

  /** `draw`, from 0 up to 1, keeps sessions that began together from renewing together. */
  constructor(now: () => number, draw: number) {
    this.#now = now;
    this.#marginMs = marginMs * (1 + draw);
  }

  get current(): Tokens | null {
    return this.#tokens;
  }

  get access(): string | null {
    return this.#tokens?.access ?? null;
  }

  /** How long the access token may still be used; null if that is not known. */
  get expiresInMs(): number | null {
    return this.#renewAt === null ? null : this.#renewAt - this.#now();
  }

  /** Whether the access token should be renewed before it is used. */
  get needsRenewal(): boolean {
    return this.#renewAt !== null && this.#now() >= this.#renewAt;
  }

  /** Whether this is still the session at hand; its access token may have been renewed. */
  isCurrent(tokens: Tokens): boolean {
    return this.#tokens?.refresh === tokens.refresh;
  }

  /** Takes tokens. `fresh`: the server has just issued them, so their age is known whatever the device's clock says. */
  set(tokens: Tokens, fresh = false): void {
    this.#tokens = tokens;
    const life = tokenLife(tokens.access);
    if (life === null) {
      this.#renewAt = null;
      return;
    }
    const lifetime = life.issuedAt === null ? Infinity : life.expiresAt - life.issuedAt;
    const byDate = life.expiresAt - Date.now();
    const left = fresh && lifetime !== Infinity ? lifetime : Math.min(lifetime, byDate);
    // A token whose life is shorter than twice the margin is used for half of its life.
    const margin = Math.min(this.#marginMs, lifetime / 2);
    this.#renewAt = this.#now() + left - margin;
  }

  clear(): void {
    this.#tokens = null;
    this.#renewAt = null;
  }
}
