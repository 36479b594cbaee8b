// SPDX-License-Identifier: MIT

import { closeCodes } from './types';

/** Bounds of the waits between attempts to connect, in milliseconds. */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** The longest wait that a server may ask for. */
  readonly maxRetryAfterMs: number;
}

export interface Failure {
  /** From 0 up to, not including, 1. */
  readonly draw: number;
  /** Waits about the maximum: the server would refuse again soon. */
  readonly slow?: boolean;
  /** The wait that the server asked for, at least. */
  readonly retryAfterMs?: number | null;
}

/**
 * 1 s, 2, 4, 8, 16, 30, 30 s ..., each shortened by up to half, so that clients that were disconnected together don't
 * reconnect together.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** How many waits were returned since the last reset. */
  get failures(): number {
    return this.#failures;
  }

  /** The next wait in whole milliseconds. */
  next({ draw, slow = false, retryAfterMs = null }: Failure): number {
    const { baseMs, maxMs, maxRetryAfterMs } = this.#options;
    const ceiling = slow ? maxMs : Math.min(baseMs * 2 ** this.#failures, maxMs);
    this.#failures += 1;
    const delay = ceiling - Math.floor((draw * ceiling) / 2);
    return retryAfterMs === null ? delay : Math.max(delay, Math.min(retryAfterMs, maxRetryAfterMs));
  }

  reset(): void {
    this.#failures = 0;
  }
}

/** The wait that a close reason asks for, in milliseconds; null if there is none. */
export function retryAfterOf(code: number, reason: string, maxMs: number): number | null {
  const match = code === closeCodes.restarting ? /retry-after-ms=([0-9]+)/.exec(reason) : null;
  return match === null ? null : Math.min(Number(match[1]), maxMs);
}
