// SPDX-License-Identifier: MIT

import type { TimerId, Timers } from '@ordercast/client';
import { Observable } from '../desk/observable.ts';
import { arrange, emptyList, nextMove, type SteadyList, showAll } from '../desk/steady-list.ts';
import type { OrderFeed } from './order-feed.ts';

/** What of a feed is on the screen, held steady while a pointer or the focus is in it. */
export class ListView extends Observable {
  readonly #feed: OrderFeed;
  readonly #timers: Timers;
  readonly #now: () => number;
  #list: SteadyList = emptyList;
  #isEngaged = false;
  #timer: TimerId | null = null;
  #stop: (() => void) | null = null;

  constructor(feed: OrderFeed, timers: Timers, now: () => number) {
    super();
    this.#feed = feed;
    this.#timers = timers;
    this.#now = now;
  }

  get = (): SteadyList => this.#list;

  start(): void {
    this.#stop = this.#feed.subscribe(() => this.#arrange());
    this.#arrange();
  }

  stop(): void {
    this.#stop?.();
    this.#stopTimer();
  }

  /** A pointer or the focus is in the list, or has left it. */
  engage(isEngaged: boolean): void {
    if (isEngaged === this.#isEngaged) return;
    this.#isEngaged = isEngaged;
    if (!isEngaged) this.#arrange();
  }

  /** Shows what waits. Returns the first of it. */
  showWaiting(): string | undefined {
    const first = this.#list.waiting[0]?.id;
    this.#show(showAll(this.#list, this.#feed.get().orders ?? [], this.#now()));
    return first;
  }

  #arrange(): void {
    const { orders } = this.#feed.get();
    if (orders === undefined) return;
    this.#show(
      arrange(this.#list, {
        belonging: orders,
        newest: this.#feed.newest,
        isEngaged: this.#isEngaged,
        now: this.#now(),
      }),
    );
  }

  #show(list: SteadyList): void {
    const isSameRows =
      list.rows.length === this.#list.rows.length &&
      list.rows.every(({ id }, index) => id === this.#list.rows[index]?.id);
    this.#list = list;
    this.#stopTimer();
    const at = nextMove(list);
    if (at !== null) {
      this.#timer = this.#timers.set(() => this.#arrange(), Math.max(0, at - this.#now()) + 1);
    }
    this.tell();
    if (!isSameRows) this.#feed.keep(list.rows.map(({ id }) => id));
  }

  #stopTimer(): void {
    if (this.#timer !== null) this.#timers.clear(this.#timer);
    this.#timer = null;
  }
}
