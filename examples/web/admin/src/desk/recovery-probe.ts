// SPDX-License-Identifier: MIT

import type { TimerId, Timers } from '@ordercast/client';

/** How often a desk that waits for its server looks whether it is back; twice as long at most, so that not all come at once. */
const everyMs = 1500;

export interface RecoveryProbeOptions {
  readonly timers: Timers;
  readonly random: () => number;
  /** The connection waits for its next attempt, and somebody may be looking. */
  readonly isWaiting: () => boolean;
  /** Whether the server answers. Never rejects. */
  readonly answers: () => Promise<boolean>;
  /** Connects at once. */
  readonly reconnect: () => void;
}

/**
 * The waits between attempts to connect grow up to half a minute, for the server's sake. A desk can't wait that long
 * once the server is back: meanwhile it asks for a page that costs the server nothing. Where the server answers and
 * its sockets alone don't, the waits stay as they are.
 */
export class RecoveryProbe {
  readonly #options: RecoveryProbeOptions;
  #timer: TimerId | null = null;
  #isStopped = false;
  /** The server has not answered since it was tried last. */
  #isWorthATry = true;

  constructor(options: RecoveryProbeOptions) {
    this.#options = options;
  }

  /** Call at each change of the connection. */
  look = (): void => {
    if (this.#timer !== null || this.#isStopped || !this.#options.isWaiting()) return;
    const { timers, random } = this.#options;
    this.#timer = timers.set(() => void this.#probe(), everyMs * (1 + random()));
  };

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) this.#options.timers.clear(this.#timer);
    this.#timer = null;
  }

  async #probe(): Promise<void> {
    const { isWaiting, answers, reconnect } = this.#options;
    if (isWaiting()) {
      const isBack = await answers();
      if (isBack && this.#isWorthATry && isWaiting() && !this.#isStopped) reconnect();
      this.#isWorthATry = !isBack;
    }
    this.#timer = null;
    this.look();
  }
}
