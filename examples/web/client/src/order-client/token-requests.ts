// SPDX-License-Identifier: MIT

import type { Input } from '../machine';
import type { Report } from '../report';

export interface TokenRequestsOptions {
  readonly getToken: (request: { fresh: boolean }) => Promise<string | null>;
  /** Null if that is not known. */
  readonly tokenExpiresInMs: () => number | null;
  readonly now: () => number;
  readonly feed: (input: Input) => void;
  readonly report: Report;
}

/** Asks the application for tokens, and feeds its answers to the machine. Only the newest request counts. */
export class TokenRequests {
  readonly #options: TokenRequestsOptions;
  #newest = 0;

  constructor(options: TokenRequestsOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async ask(fresh: boolean): Promise<void> {
    this.#newest += 1;
    const request = this.#newest;
    const answer = await this.#answer(fresh);
    if (request === this.#newest) this.#options.feed(answer);
  }

  /** Ignores the answer to a request that is under way. */
  cancel(): void {
    this.#newest += 1;
  }

  async #answer(fresh: boolean): Promise<Input> {
    const { getToken, tokenExpiresInMs, now, report } = this.#options;
    try {
      const token = await getToken({ fresh });
      if (token === null) return { type: 'token_refused' };
      const leftMs = tokenExpiresInMs() ?? Number.POSITIVE_INFINITY;
      return { type: 'token', token, renewAt: now() + leftMs };
    } catch (problem) {
      report(problem);
      return { type: 'token_failed' };
    }
  }
}
