// SPDX-License-Identifier: MIT

import type { TimerId, Timers } from '@ordercast/client';

/** Shared by all that ask the server for lists: when the last one was asked for. */
export class Pace {
  #last = Number.NEGATIVE_INFINITY;
  readonly #everyMs: number;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  waitMs(now: number): number {
    return Math.max(0, this.#last + this.#everyMs - now);
  }

  mark(now: number): void {
    this.#last = now;
  }
}

export interface PacedOptions {
  readonly timers: Timers;
  readonly now: () => number;
  readonly pace: Pace;
  /** Never rejects. */
  readonly run: () => Promise<void>;
}

/** Runs something when asked to, at the pace; however often it is asked, one run is under way and one is due. */
export class Paced {
  readonly #options: PacedOptions;
  #timer: TimerId | null = null;
  #isRunning = false;
  #isWanted = false;
  #isStopped = false;

  constructor(options: PacedOptions) {
    this.#options = options;
  }

  /** Runs as soon as the pace allows. */
  ask(): void {
    if (this.#isStopped) return;
    this.#isWanted = true;
    if (this.#isRunning || this.#timer !== null) return;
    const { timers, pace, now } = this.#options;
    this.#timer = timers.set(() => {
      this.#timer = null;
      // Another task of the same pace may have run first.
      if (this.#options.pace.waitMs(now()) > 0) this.ask();
      else void this.#run();
    }, pace.waitMs(now()));
  }

  /** Runs at once, because a user waits for it. */
  async askNow(): Promise<void> {
    if (this.#isStopped) return;
    this.#stopTimer();
    if (this.#isRunning) this.#isWanted = true;
    else await this.#run();
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopTimer();
  }

  async #run(): Promise<void> {
    const { pace, now, run } = this.#options;
    this.#isWanted = false;
    this.#isRunning = true;
    pace.mark(now());
    await run();
    this.#isRunning = false;
    if (this.#isWanted) this.ask();
  }

  #stopTimer(): void {
    if (this.#timer !== null) this.#options.timers.clear(this.#timer);
    this.#timer = null;
  }
}
