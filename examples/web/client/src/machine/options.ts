// SPDX-License-Identifier: MIT

export interface MachineOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly connectTimeoutMs: number;
  readonly tokenTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly pongTimeoutMs: number;
  /** How long to wait for a pong after waking, and for an answer whose timer came late. */
  readonly probeTimeoutMs: number;
  /** A connection that stays open this long counts as good. */
  readonly stableMs: number;
  /** Waking makes at most one attempt, and sends at most one ping, in this time. */
  readonly wakeFloorMs: number;
  /** A timer that fires this late says nothing about the server: this device was asleep. */
  readonly lateMs: number;
  /** Between two polls over HTTP while there is no open connection. */
  readonly pollIntervalMs: number;
  /** After `rate_limited`, all subscriptions are sent again this much later. */
  readonly resyncMs: number;
  /** The longest wait that a server may ask for. */
  readonly maxRetryAfterMs: number;
  readonly maxSubscriptions: number;
  /** How many versions of orders that are no longer watched are remembered. */
  readonly maxRemembered: number;
}

export const defaultMachineOptions: MachineOptions = {
  baseMs: 1000,
  maxMs: 30_000,
  connectTimeoutMs: 10_000,
  tokenTimeoutMs: 30_000,
  pingIntervalMs: 25_000,
  pongTimeoutMs: 10_000,
  probeTimeoutMs: 5000,
  stableMs: 5000,
  wakeFloorMs: 1000,
  lateMs: 1000,
  pollIntervalMs: 60_000,
  resyncMs: 5000,
  maxRetryAfterMs: 300_000,
  maxSubscriptions: 100,
  maxRemembered: 100,
};
