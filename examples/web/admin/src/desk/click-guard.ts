// SPDX-License-Identifier: MIT

/** How long a button that has just got another meaning ignores clicks: the second half of a double click, mostly. */
export const guardMs = 700;

/**
 * Guards one button whose meaning changes under the pointer. A click counts only if the button has meant the same for
 * `guardMs`.
 */
export class ClickGuard {
  #meaning: string | null;
  #since = Number.NEGATIVE_INFINITY;

  /** `isMoving`: it comes where another button may have been, so its first meaning has to last, too. */
  constructor(isMoving = false) {
    this.#meaning = isMoving ? '' : null;
  }

  /** Call with what a click would do, whenever that is shown. */
  means(meaning: string, now: number): void {
    if (meaning === this.#meaning) return;
    if (this.#meaning !== null) this.#since = now;
    this.#meaning = meaning;
  }

  /** Whether a click counts. One that does starts the wait again. */
  click(now: number): boolean {
    if (now - this.#since < guardMs) return false;
    this.#since = now;
    return true;
  }
}
