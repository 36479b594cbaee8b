// SPDX-License-Identifier: MIT

/** A deadline that is not set. */
export const never = Number.POSITIVE_INFINITY;

/**
 * Excuses a missed deadline once if its timer fired late: the device slept, and an answer that came in time may be
 * queued behind the timer. Only once in a row, since a timer that is always late must not keep a dead socket.
 */
export class LateTimerGrace {
  readonly #lateMs: number;
  #isUsed = false;

  /** A timer is late if it fires `lateMs` or more after its deadline. */
  constructor(lateMs: number) {
    this.#lateMs = lateMs;
  }

  /** Uses up the grace if the timer for `deadline` was late; returns whether it did. */
  take(deadline: number, now: number): boolean {
    if (this.#isUsed || now - deadline < this.#lateMs) return false;
    this.#isUsed = true;
    return true;
  }

  /** Makes the grace available again: the server answered, or a new connection begins. */
  renew(): void {
    this.#isUsed = false;
  }
}
