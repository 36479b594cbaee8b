// SPDX-License-Identifier: MIT

import { never } from './deadlines';
import type { TokenReason } from './inputs-outputs';

/** A token to connect with, or why another one is needed first. */
export type TokenChoice =
  | { readonly token: string; readonly need?: undefined }
  | { readonly need: TokenReason };

/**
 * The token to connect with: when it has to be asked for, and by when the answer is due. A rejected token gets one
 * fresh one; if the server rejects that too, a new login is needed.
 */
export class TokenSupply {
  readonly #timeoutMs: number;
  #token: string | null = null;
  #renewAt = never;
  #isAsking = false;
  #answerBy = never;
  /** The server has rejected a token since the last good connection. */
  #wasRejected = false;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Whether an answer to a request for a token is awaited. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  /** When that answer is due; `never` if none is awaited. */
  get answerBy(): number {
    return this.#answerBy;
  }

  /** Keeps a token. From `renewAt` on, a newer one is asked for before a connect. */
  set(token: string, renewAt: number = never): void {
    this.#token = token;
    this.#renewAt = renewAt;
  }

  forget(): void {
    this.#token = null;
  }

  /** Chooses for a new attempt. */
  choose(now: number): TokenChoice {
    if (this.#token === null) return { need: this.#wasRejected ? 'rejected' : 'missing' };
    return now >= this.#renewAt ? { need: 'expiring' } : { token: this.#token };
  }

  /** Chooses after the server rejected `used`; null if a new login is needed. */
  chooseAfterRejection(used: string): TokenChoice | null {
    if (this.#wasRejected) return null;
    this.#wasRejected = true;
    if (this.#token !== null && this.#token !== used) return { token: this.#token };
    this.#token = null;
    return { need: 'rejected' };
  }

  /** Starts to await the answer to a request for a token. */
  ask(now: number): void {
    this.#isAsking = true;
    this.#answerBy = now + this.#timeoutMs;
  }

  /** Gives a request that timed out this long to be answered after all. */
  extend(now: number, ms: number): void {
    this.#answerBy = now + ms;
  }

  /** Awaits no answer any more. */
  stopAsking(): void {
    this.#isAsking = false;
    this.#answerBy = never;
  }

  /** The connection proved good, or starts over: a later rejection gets a fresh token again. */
  forgetRejection(): void {
    this.#wasRejected = false;
  }
}
