// SPDX-License-Identifier: MIT

/** Bounds of the waits between attempts to connect. */
export interface BackoffOptions {
  /** The first wait. */
  readonly initialMs: number;
  /** The longest. */
  readonly maxMs: number;
  /** `full`: anything from 0 to the wait. `equal`: from a half of it. */
  readonly jitter: 'full' | 'equal' | 'none';
}

export const defaultBackoff: BackoffOptions = { initialMs: 1000, maxMs: 30_000, jitter: 'equal' };

/** 1 s, 2, 4, 8 ... 30 s, each with jitter, so that clients which were cut off together don't return together. */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempts = 0;

  constructor(options: BackoffOptions = defaultBackoff) {
    this.#options = options;
  }

  /** How many waits were given out since the last reset. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The next wait in whole milliseconds. `random` is from 0 up to, not including, 1. */
  next(random: number): number {
    const { initialMs, maxMs, jitter } = this.#options;
    // Past 2^30 the doubling has long met its bound; a double could else reach infinity.
    const wait = Math.min(maxMs, initialMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    if (jitter === 'none') return wait;
    if (jitter === 'full') return Math.floor(wait * random);
    return Math.floor(wait / 2 + (wait / 2) * random);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
