// SPDX-License-Identifier: MIT

import { Backoff } from '../backoff';
import type { ClientMessage, SubscribeMessage } from '../types';
import { isOrderId } from '../validate';
import { batchesOf } from './batches';
import { never } from './deadlines';
import type { MachineOptions } from './options';

type SubscriptionOptions = Pick<
  MachineOptions,
  'baseMs' | 'maxMs' | 'maxRetryAfterMs' | 'resyncMs' | 'maxSubscriptions' | 'maxRemembered'
>;

/**
 * `added`: new. `retry`: held already, and waiting to be sent again. `held`: held already. `invalid_id` and `full`:
 * refused.
 */
export type AddResult = 'added' | 'retry' | 'held' | 'invalid_id' | 'full';

interface Subscription {
  /** The version that the application has. */
  version: number;
  /** The newest version ever seen, if the order was watched before. */
  floor: number;
  /** When to send it again after `unavailable`; `never` if it is not due again. */
  retryAt: number;
  backoff: Backoff | null;
}

/**
 * The orders that the application watches, and which version of each it has. `accept` is the gate that every order
 * passes: versions never go back, across connections too. The owner sends the messages.
 */
export class Subscriptions {
  readonly #options: SubscriptionOptions;
  readonly #draw: () => number;
  readonly #held = new Map<string, Subscription>();
  /** Newest versions of orders that are no longer watched; the one that was left first comes first. */
  readonly #remembered = new Map<string, number>();
  /** Names the store that the versions are from; null until a server has named one. */
  #epoch: string | null = null;
  /** When to send all of them again. */
  #resyncAt = never;

  /** `draw` gives a number from 0 up to, not including, 1. */
  constructor(options: SubscriptionOptions, draw: () => number) {
    this.#options = options;
    this.#draw = draw;
  }

  /** When `due` next returns something. */
  get next(): number {
    let next = this.#resyncAt;
    for (const { retryAt } of this.#held.values()) next = Math.min(next, retryAt);
    return next;
  }

  /** Watches an order of which the application has `version`; 0 for none. */
  add(orderId: string, version: number): AddResult {
    const held = this.#held.get(orderId);
    if (held !== undefined) {
      held.version = Math.max(held.version, version);
      return held.retryAt === never ? 'held' : 'retry';
    }
    if (!isOrderId(orderId)) return 'invalid_id';
    if (this.#held.size >= this.#options.maxSubscriptions) return 'full';
    const floor = this.#remembered.get(orderId) ?? 0;
    this.#remembered.delete(orderId);
    this.#held.set(orderId, { version, floor, retryAt: never, backoff: null });
    return 'added';
  }

  /** Stops watching, and remembers the version. Returns false if the order was not watched. */
  remove(orderId: string): boolean {
    const held = this.#held.get(orderId);
    if (held === undefined) return false;
    this.#held.delete(orderId);
    const newest = Math.max(held.version, held.floor);
    if (newest > 0) this.#remember(orderId, newest);
    return true;
  }

  /** Accepts a version that is newer than the application's, and at least as new as the newest ever seen. */
  accept(orderId: string, version: number): 'accepted' | 'stale' | 'unsubscribed' {
    const held = this.#held.get(orderId);
    if (held === undefined) return 'unsubscribed';
    if (version <= held.version || version < held.floor) return 'stale';
    held.version = version;
    return 'accepted';
  }

  /** Sets the store that versions are from. If it is another one, forgets all versions and returns true. */
  setEpoch(epoch: string): boolean {
    const isOther = this.#epoch !== null && this.#epoch !== epoch;
    this.#epoch = epoch;
    if (!isOther) return false;
    this.#remembered.clear();
    for (const held of this.#held.values()) {
      held.version = 0;
      held.floor = 0;
    }
    return true;
  }

  /** The message that subscribes to one order. It then counts as sent. */
  message(orderId: string): SubscribeMessage | null {
    const held = this.#held.get(orderId);
    return held === undefined ? null : this.#messageOf(orderId, held);
  }

  /**
   * The messages that subscribe to all orders, in the order in which they were added: one for each, or as few as the
   * server's limits allow.
   */
  allMessages(inBatches: boolean): readonly ClientMessage[] {
    const messages = [...this.#held].map(([orderId, held]) => this.#messageOf(orderId, held));
    return inBatches ? batchesOf(messages) : messages;
  }

  /** The messages that have to be sent again by now. */
  due(now: number, inBatches: boolean): readonly ClientMessage[] {
    if (now >= this.#resyncAt) {
      this.#resyncAt = never;
      return this.allMessages(inBatches);
    }
    return [...this.#held]
      .filter(([, { retryAt }]) => now >= retryAt)
      .map(([orderId, held]) => this.#messageOf(orderId, held));
  }

  /** Sends one again after a backoff: the server was not able to answer. */
  retryLater(orderId: string, now: number): void {
    const held = this.#held.get(orderId);
    if (held === undefined || held.retryAt !== never) return;
    held.backoff ??= new Backoff(this.#options);
    held.retryAt = now + held.backoff.next({ draw: this.#draw() });
  }

  /** The server answered for this order: its backoff starts over. */
  answered(orderId: string): void {
    this.#held.get(orderId)?.backoff?.reset();
  }

  /** Sends all again after a while: the server dropped a message, which may have been a `subscribe`. */
  resyncLater(now: number): void {
    if (this.#resyncAt === never) this.#resyncAt = now + this.#options.resyncMs;
  }

  /** Cancels what is to be sent again: the next connection sends all. */
  connectionEnded(): void {
    this.#resyncAt = never;
    for (const held of this.#held.values()) held.retryAt = never;
  }

  #remember(orderId: string, version: number): void {
    this.#remembered.set(orderId, version);
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= this.#options.maxRemembered) break;
      this.#remembered.delete(oldest);
    }
  }

  #messageOf(orderId: string, held: Subscription): SubscribeMessage {
    held.retryAt = never;
    const message = { type: 'subscribe', orderId, since: held.version } as const;
    return this.#epoch === null ? message : { ...message, epoch: this.#epoch };
  }
}
