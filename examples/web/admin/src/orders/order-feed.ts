// SPDX-License-Identifier: MIT

import {
  ApiError,
  newer,
  type Order,
  type OrderClient,
  type OrdersChanged,
  type PageMeta,
  type TimerId,
  type Timers,
} from '@ordercast/client';
import type { OrderCounts, StaffPage, StaffQuery } from '@ordercast/client/staff';
import { Observable } from '../desk/observable.ts';
import { agreeingCounts, countsAfter } from './counts.ts';
import { type Pace, Paced } from './paced.ts';

export interface FeedSnapshot {
  /** The rows that belong to the list, in its sequence; undefined until they are known. */
  readonly orders: readonly Order[] | undefined;
  readonly meta: PageMeta | undefined;
  /** Never at odds with `orders`, however far apart the two were asked for. */
  readonly counts: OrderCounts | undefined;
  /** Entries of the answer that are no orders at all. */
  readonly unreadable: number;
  readonly problem: unknown;
}

export interface FeedOptions {
  readonly client: Pick<
    OrderClient,
    'watchOrder' | 'watchList' | 'onOnlineChange' | 'isOnline' | 'generation'
  >;
  readonly query: StaffQuery;
  readonly list: (query: StaffQuery) => Promise<StaffPage>;
  /** Leave it out where the counts are not shown. */
  readonly count?: ((query: StaffQuery) => Promise<OrderCounts>) | undefined;
  readonly timers: Timers;
  readonly now: () => number;
  /** Lists and counts have a pace each: one request of a kind at a time. */
  readonly pace: Pace;
  readonly countPace: Pace;
  /** Called with each change of a row. */
  readonly onChange?: (order: Order) => void;
}

/** A feed before its first answer. */
export const nothingLoaded: FeedSnapshot = {
  orders: undefined,
  meta: undefined,
  counts: undefined,
  unreadable: 0,
  problem: undefined,
};

/** The longest wait before a list whose load has failed is asked for again. */
const maxRetryMs = 30_000;

/**
 * One page of a list, live. Its rows are watched and change as they are pushed, without a request. A list is asked for
 * only if an order that it does not have may belong to it, and then at the pace.
 */
export class OrderFeed extends Observable {
  readonly #options: FeedOptions;
  readonly #list: Paced;
  readonly #counts: Paced;
  readonly #newest = new Map<string, Order>();
  readonly #watches = new Map<string, () => void>();
  readonly #stops: (() => void)[] = [];
  #snapshot: FeedSnapshot = nothingLoaded;
  /** As the server has counted, with what has changed since. */
  #counted: OrderCounts | undefined;
  #kept: ReadonlySet<string> = new Set();
  #generation: number;
  #failures = 0;
  #retry: TimerId | null = null;
  #isStopped = false;

  constructor(options: FeedOptions) {
    super();
    const { timers, now, pace, countPace, client } = options;
    this.#options = options;
    this.#generation = client.generation;
    this.#list = new Paced({ timers, now, pace, run: () => this.#load() });
    this.#counts = new Paced({ timers, now, pace: countPace, run: () => this.#count() });
  }

  get = (): FeedSnapshot => this.#snapshot;

  /** The newest known state of an order that is, or was, a row. */
  newest = (orderId: string): Order | undefined => this.#newest.get(orderId);

  start(): void {
    const { client, count } = this.#options;
    this.#stops.push(
      client.watchList((change) => this.#onHint(change)),
      client.onOnlineChange(() => {
        if (client.isOnline() && this.#snapshot.problem !== undefined) this.#list.ask();
      }),
    );
    void this.#list.askNow();
    if (count) void this.#counts.askNow();
  }

  stop(): void {
    this.#isStopped = true;
    this.#list.stop();
    this.#counts.stop();
    this.#stopRetrying();
    for (const stop of this.#stops.splice(0)) stop();
    for (const stop of this.#watches.values()) stop();
    this.#watches.clear();
  }

  /** Asks again, at once. Never rejects. */
  reload = async (): Promise<void> => {
    this.#stopRetrying();
    await this.#list.askNow();
  };

  /** These rows are still shown, whether they belong to the list or not. */
  keep(orderIds: readonly string[]): void {
    this.#kept = new Set(orderIds);
    this.#watch();
  }

  /** Takes what has come by whichever way. */
  offer = (order: Order): void => {
    const held = this.#newest.get(order.id);
    if (held === undefined || newer(held, order) === held || this.#isStopped) return;
    this.#newest.set(order.id, order);
    this.#options.onChange?.(order);
    if (this.#counted) {
      this.#counted = countsAfter(this.#counted, this.#options.query, held, order);
    }
    const { orders, meta } = this.#snapshot;
    if (orders?.some(({ id }) => id === order.id)) {
      const belongs = belongsTo(this.#options.query, order);
      const next = belongs
        ? orders.map((row) => (row.id === order.id ? order : row))
        : orders.filter(({ id }) => id !== order.id);
      const total = meta && Math.max(next.length, meta.total - (belongs ? 0 : 1));
      this.#set({ orders: next, meta: meta && { ...meta, total: total ?? meta.total } });
      if (!belongs && (meta?.totalPages ?? 1) > 1) this.#list.ask(); // The next page's first moves up.
    } else {
      if (belongsTo(this.#options.query, order)) this.#list.ask(); // It has left, and comes back.
      this.#set({});
    }
    if (this.#options.count && held.status !== order.status) this.#counts.ask();
  };

  #onHint(change: OrdersChanged | undefined): void {
    const { statuses } = this.#options.query;
    if (this.#options.count) this.#counts.ask();
    if (change === undefined) {
      this.#list.ask();
      return;
    }
    // What we know already; a row that has left may be about to come back.
    if (this.#newest.get(change.orderId)?.status === change.status) return;
    const mayBelong =
      statuses.length === 0 || (statuses as readonly string[]).includes(change.status);
    if (mayBelong) this.#list.ask();
  }

  async #load(): Promise<void> {
    this.#stopRetrying();
    const { list, query, client } = this.#options;
    try {
      const answer = await list(query);
      if (this.#isStopped) return;
      if (this.#generation !== client.generation) {
        // The store is another one: its versions can't be compared with those before.
        this.#generation = client.generation;
        this.#newest.clear();
      }
      const orders = answer.orders
        .map((order) => newer(this.#newest.get(order.id), order))
        .filter((order) => belongsTo(query, order));
      for (const order of orders) this.#newest.set(order.id, order);
      this.#failures = 0;
      this.#set({ orders, meta: answer.meta, unreadable: answer.unreadable, problem: undefined });
      this.#watch();
    } catch (problem) {
      if (this.#isStopped) return;
      this.#set({ problem });
      this.#retryLater(problem);
    }
  }

  async #count(): Promise<void> {
    const { count, query } = this.#options;
    try {
      const counts = await count?.(query);
      if (this.#isStopped || !counts) return;
      this.#counted = counts;
      this.#set({});
    } catch {
      // The next change asks again, and so does the next connection.
    }
  }

  #retryLater(problem: unknown): void {
    const asked = problem instanceof ApiError ? (problem.retryAfterMs ?? 0) : 0;
    const isOurFault = problem instanceof ApiError && problem.status === 400;
    if (isOurFault) return; // The same question would get the same answer.
    const delay = Math.max(asked, Math.min(2000 * 2 ** this.#failures, maxRetryMs));
    this.#failures += 1;
    this.#retry = this.#options.timers.set(() => {
      this.#retry = null;
      this.#list.ask();
    }, delay);
  }

  #stopRetrying(): void {
    if (this.#retry !== null) this.#options.timers.clear(this.#retry);
    this.#retry = null;
  }

  #watch(): void {
    if (this.#isStopped) return;
    const wanted = new Set([...(this.#snapshot.orders ?? []).map(({ id }) => id), ...this.#kept]);
    for (const [id, stop] of [...this.#watches]) {
      if (wanted.has(id)) continue;
      this.#watches.delete(id);
      this.#newest.delete(id);
      stop();
    }
    for (const id of wanted) {
      if (this.#watches.has(id)) continue;
      this.#watches.set(id, this.#options.client.watchOrder(id, this.offer, this.#newest.get(id)));
    }
  }

  #set(changes: Partial<FeedSnapshot>): void {
    const next = { ...this.#snapshot, ...changes };
    const { query } = this.#options;
    const counts = this.#counted && agreeingCounts(this.#counted, { ...next, query });
    this.#snapshot = { ...next, counts };
    this.tell();
  }
}

/** Whether an order that the server has listed still belongs there: what can change of an order is compared. */
export function belongsTo(query: StaffQuery, order: Order): boolean {
  const { statuses, paymentStatus } = query;
  if (statuses.length > 0 && !(statuses as readonly string[]).includes(order.status)) return false;
  return !paymentStatus || paymentStatus === order.paymentStatus;
}
