// SPDX-License-Identifier: MIT

import type { TimerId, Timers } from '@ordercast/client';

/** A finger that has just left comes back to what it saw. */
export const touchMs = 5000;
/** Who has not moved, typed or tabbed for this long is not there, wherever they have left the pointer and the focus. */
export const idleMs = 25_000;

/** Whether a user is at an element, by pointer or keyboard. */
export class Engagement {
  readonly #timers: Timers;
  readonly #tell: (isEngaged: boolean) => void;
  #pointer = false;
  #focus = false;
  #touch: TimerId | null = null;
  #idle: TimerId | null = null;

  constructor(timers: Timers, tell: (isEngaged: boolean) => void) {
    this.#timers = timers;
    this.#tell = tell;
  }

  onPointer(): void {
    this.#stopTouch();
    this.#pointer = true;
    this.#renew();
  }

  onPointerGone(isMouse: boolean): void {
    this.#stopTouch();
    if (isMouse) {
      this.#pointer = false;
      this.#say();
      return;
    }
    this.#touch = this.#timers.set(() => {
      this.#touch = null;
      this.#pointer = false;
      this.#say();
    }, touchMs);
  }

  /** Somewhere else, whether it was told to have left or not: of what is taken away under a pointer none leaves. */
  onPointerElsewhere(isMouse: boolean): void {
    if (this.#pointer && this.#touch === null) this.onPointerGone(isMouse);
  }

  /** `isVisible`: the keyboard has brought it there. A focus that a click leaves behind does not count. */
  onFocus(isVisible: boolean): void {
    this.#focus = isVisible;
    if (isVisible) this.#renew();
    else this.#say();
  }

  onKey(): void {
    this.#focus = true;
    this.#renew();
  }

  onFocusGone(): void {
    this.#focus = false;
    this.#say();
  }

  stop(): void {
    this.#stopTouch();
    this.#stopIdle();
  }

  #renew(): void {
    this.#stopIdle();
    this.#idle = this.#timers.set(() => {
      this.#idle = null;
      this.#stopTouch();
      this.#pointer = false;
      this.#focus = false;
      this.#say();
    }, idleMs);
    this.#say();
  }

  #say(): void {
    this.#tell(this.#pointer || this.#focus);
  }

  #stopTouch(): void {
    if (this.#touch !== null) this.#timers.clear(this.#touch);
    this.#touch = null;
  }

  #stopIdle(): void {
    if (this.#idle !== null) this.#timers.clear(this.#idle);
    this.#idle = null;
  }
}
