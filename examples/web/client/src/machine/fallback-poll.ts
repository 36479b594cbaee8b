// SPDX-License-Identifier: MIT

import { never } from './deadlines';

/** When to poll over HTTP while there is no open connection: about once per interval, with jitter. */
export class FallbackPoll {
  readonly #intervalMs: number;
  readonly #draw: () => number;
  #at = never;

  /** `draw` gives a number from 0 up to, not including, 1. Each schedule draws once. */
  constructor(intervalMs: number, draw: () => number) {
    this.#intervalMs = intervalMs;
    this.#draw = draw;
  }

  /** When the next poll is due; `never` while stopped. */
  get at(): number {
    return this.#at;
  }

  isDue(now: number): boolean {
    return now >= this.#at;
  }

  /** Schedules the next poll up to a fifth of the interval early, so that clients do not poll together. */
  schedule(now: number): void {
    this.#at = now + this.#intervalMs - Math.floor((this.#draw() * this.#intervalMs) / 5);
  }

  stop(): void {
    this.#at = never;
  }
}
