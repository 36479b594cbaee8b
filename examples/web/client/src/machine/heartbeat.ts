// SPDX-License-Identifier: MIT

import { never } from './deadlines';
import type { MachineOptions } from './options';

type HeartbeatOptions = Pick<MachineOptions, 'pingIntervalMs' | 'pongTimeoutMs' | 'wakeFloorMs'>;

/**
 * When to ping the server, and by when its answer is due. Either the next ping is scheduled, or a pong is awaited,
 * or neither. The owner sends the pings.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #lastPing = -never;
  #pingAt = never;
  #pongBy = never;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** When `isPingDue` or `isPongOverdue` next becomes true. */
  get next(): number {
    return Math.min(this.#pingAt, this.#pongBy);
  }

  /** The deadline of the awaited pong; `never` if none is awaited. */
  get pongBy(): number {
    return this.#pongBy;
  }

  isPingDue(now: number): boolean {
    return now >= this.#pingAt;
  }

  isPongOverdue(now: number): boolean {
    return now >= this.#pongBy;
  }

  /** Whether waking should ping: no pong is awaited and the last ping was not just now. */
  mayProbe(now: number): boolean {
    return this.#pongBy === never && now - this.#lastPing >= this.#options.wakeFloorMs;
  }

  /** Records a ping whose answer has no deadline here. */
  pinged(now: number): void {
    this.#lastPing = now;
  }

  /** Records a ping and awaits its pong. */
  awaitPong(now: number, timeoutMs = this.#options.pongTimeoutMs): void {
    this.#lastPing = now;
    this.#pingAt = never;
    this.#pongBy = now + timeoutMs;
  }

  /** Records a sign of life: nothing is awaited any more, and the next ping is a whole interval away. */
  heard(now: number): void {
    this.#pongBy = never;
    this.#pingAt = now + this.#options.pingIntervalMs;
  }

  /** Ends with the connection. */
  stop(): void {
    this.#pingAt = never;
    this.#pongBy = never;
  }
}
