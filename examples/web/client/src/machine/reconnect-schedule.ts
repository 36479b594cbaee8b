// SPDX-License-Identifier: MIT

import { Backoff } from '../backoff';
import { never } from './deadlines';
import type { MachineOptions } from './options';

type ReconnectOptions = Pick<
  MachineOptions,
  'baseMs' | 'maxMs' | 'maxRetryAfterMs' | 'wakeFloorMs'
>;

export interface AttemptFailure {
  /** Waits about the maximum: the server will refuse again soon. */
  readonly slow?: boolean;
  /** The wait that the server asked for, at least; null if it asked for none. */
  readonly retryAfterMs?: number | null;
}

/** When the next attempt to connect is made: backoff after failures, and sooner when the device wakes. */
export class ReconnectSchedule {
  readonly #wakeFloorMs: number;
  readonly #draw: () => number;
  readonly #backoff: Backoff;
  #lastAttempt = -never;
  #retryAt = never;
  /** Waking cannot move the next attempt before this time. */
  #notBefore = -never;

  constructor(options: ReconnectOptions, draw: () => number) {
    this.#wakeFloorMs = options.wakeFloorMs;
    this.#draw = draw;
    this.#backoff = new Backoff(options);
  }

  /** When the next attempt is due; `never` unless waiting. */
  get retryAt(): number {
    return this.#retryAt;
  }

  /** Failed attempts since a connection last proved good. */
  get failures(): number {
    return this.#backoff.failures;
  }

  isDue(now: number): boolean {
    return now >= this.#retryAt;
  }

  /** Records that an attempt starts now. */
  attempted(now: number): void {
    this.#lastAttempt = now;
    this.#retryAt = never;
  }

  /** Schedules the next attempt. Draws once. */
  failed(now: number, { slow = false, retryAfterMs = null }: AttemptFailure): void {
    this.#retryAt = now + this.#backoff.next({ draw: this.#draw(), slow, retryAfterMs });
    this.#notBefore = -never;
    if (slow) this.#notBefore = this.#retryAt;
    else if (retryAfterMs !== null) this.#notBefore = now + retryAfterMs;
  }

  /** Moves the next attempt forward as far as allowed. `now`: attempt at once; `moved`: `retryAt` is earlier. */
  wake(now: number): 'now' | 'moved' | 'unchanged' {
    const earliest = Math.max(this.#lastAttempt + this.#wakeFloorMs, this.#notBefore);
    if (earliest <= now) return 'now';
    if (earliest >= this.#retryAt) return 'unchanged';
    this.#retryAt = earliest;
    return 'moved';
  }

  /** Starts the backoff over. */
  forgetFailures(): void {
    this.#backoff.reset();
  }

  /** Cancels the next attempt, and starts the backoff over. */
  cancel(): void {
    this.#backoff.reset();
    this.#retryAt = never;
    this.#notBefore = -never;
  }
}
