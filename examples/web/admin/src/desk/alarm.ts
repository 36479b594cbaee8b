// SPDX-License-Identifier: MIT

import type { Order, TimerId, Timers } from '@ordercast/client';
import { Observable } from './observable.ts';
import type { OpenedOrders } from './opened-orders.ts';

export interface AlarmOptions {
  readonly timers: Timers;
  /** Makes the sound once. */
  ring(): void;
  /** Called once for each new order. */
  notify(orderId: string): void;
  /** How long after a ring the next one comes. */
  repeatMs(): number;
  readonly opened: Pick<OpenedOrders, 'read' | 'add'>;
}

/** New orders that are not opened yet. The bell rings again and again until each is opened. */
export class Alarm extends Observable {
  readonly #options: AlarmOptions;
  /** All pending orders that we have heard of: an order is new once. */
  readonly #known = new Set<string>();
  #unseen: ReadonlySet<string> = new Set();
  /** What was opened before the first list had come. */
  readonly #openedBefore = new Set<string>();
  #isPrimed = false;
  #timer: TimerId | null = null;

  constructor(options: AlarmOptions) {
    super();
    this.#options = options;
  }

  /** The ids of new orders that are not opened yet; the same set until that changes. */
  get unseen(): ReadonlySet<string> {
    return this.#unseen;
  }

  /**
   * Takes the list of pending orders. The first is what was there before we looked: what nobody has opened rings, but
   * not where nobody has ever looked, since that says nothing.
   */
  onPending(orders: readonly Pick<Order, 'id'>[]): void {
    const pending = new Set(orders.map(({ id }) => id));
    const arrived = [...pending].filter((id) => !this.#known.has(id));
    for (const id of this.#known) if (!pending.has(id)) this.#known.delete(id);
    for (const id of pending) this.#known.add(id);
    const left = [...this.#unseen].filter((id) => pending.has(id));
    const isFirst = !this.#isPrimed;
    this.#isPrimed = true;
    if (!isFirst) {
      this.#set(new Set([...left, ...arrived]));
    } else {
      const opened = this.#options.opened.read() ?? pending;
      this.#options.opened.add([...opened, ...this.#openedBefore]);
      this.#set(new Set(arrived.filter((id) => !opened.has(id) && !this.#openedBefore.has(id))));
    }
    if (isFirst) return;
    for (const id of arrived) this.#options.notify(id);
  }

  /** Takes a hint: this order has that status now. */
  onHint(orderId: string, status: string): void {
    if (status !== 'PENDING') {
      this.#known.delete(orderId);
      this.#leave(orderId);
      return;
    }
    if (!this.#isPrimed || this.#known.has(orderId)) return;
    this.#known.add(orderId);
    this.#set(new Set([...this.#unseen, orderId]));
    this.#options.notify(orderId);
  }

  /** The order was opened, here or in another tab. */
  onOpened(orderId: string): void {
    if (this.#isPrimed) this.#options.opened.add([orderId]);
    else this.#openedBefore.add(orderId);
    this.#leave(orderId);
  }

  #leave(orderId: string): void {
    if (!this.#unseen.has(orderId)) return;
    this.#set(new Set([...this.#unseen].filter((id) => id !== orderId)));
  }

  /** The user has silenced the bell. */
  silence(): void {
    if (this.#unseen.size === 0) return;
    this.#options.opened.add(this.#unseen);
    this.#set(new Set());
  }

  close(): void {
    this.#set(new Set());
  }

  #set(unseen: ReadonlySet<string>): void {
    const isMore = [...unseen].some((id) => !this.#unseen.has(id));
    const isSame = !isMore && unseen.size === this.#unseen.size;
    if (isSame) return;
    this.#unseen = unseen;
    if (unseen.size === 0 || isMore) this.#stop();
    if (isMore) this.#ring();
    this.tell();
  }

  #ring(): void {
    this.#options.ring();
    this.#timer = this.#options.timers.set(() => this.#ring(), this.#options.repeatMs());
  }

  #stop(): void {
    if (this.#timer !== null) this.#options.timers.clear(this.#timer);
    this.#timer = null;
  }
}
