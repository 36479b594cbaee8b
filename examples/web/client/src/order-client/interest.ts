// SPDX-License-Identifier: MIT

import type { TimerId, Timers } from '../environment';

/** A page that is left hands its socket over to the next one, if that comes within this time. */
const lingerMs = 1000;

export interface InterestOptions {
  readonly timers: Timers;
  readonly start: () => void;
  readonly stop: () => void;
}

/** Counts who needs the connection: starts it with the first, and stops it a moment after the last. */
export class Interest {
  readonly #options: InterestOptions;
  #count = 0;
  #isRunning = false;
  #isClosed = false;
  #lingering: TimerId | null = null;

  constructor(options: InterestOptions) {
    this.#options = options;
  }

  /** Whether a watcher or a list needs the connection, and `close` was not called. */
  get isActive(): boolean {
    return this.#count > 0 && !this.#isClosed;
  }

  retain(): void {
    this.#count += 1;
    this.#stopLingering();
    if (this.#isClosed || this.#isRunning) return;
    this.#isRunning = true;
    this.#options.start();
  }

  release(): void {
    this.#count -= 1;
    if (this.#count > 0 || this.#isClosed) return;
    this.#lingering = this.#options.timers.set(() => {
      this.#lingering = null;
      this.#stop();
    }, lingerMs);
  }

  /** Stops at once and for good. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopLingering();
    this.#stop();
  }

  #stop(): void {
    this.#isRunning = false;
    this.#options.stop();
  }

  #stopLingering(): void {
    if (this.#lingering !== null) this.#options.timers.clear(this.#lingering);
    this.#lingering = null;
  }
}
