// SPDX-License-Identifier: MIT

import { asObject, newer, type Order, type OrderPage, parseOrder } from '@ordercast/client';
import type { Notebook } from './notebook.ts';

export interface HistoryState {
  /** Newest first; undefined until something is known. */
  readonly orders: readonly Order[] | undefined;
  /** When the newest page was fetched, perhaps in an earlier run of the app. */
  readonly fetchedAt: number | null;
  /** True if the server has not been able to say whether what is shown is still so. */
  readonly isOld: boolean;
  readonly hasMore: boolean;
  readonly isLoadingMore: boolean;
  /** How many orders the server has; null if it has not said. */
  readonly total: number | null;
  readonly unreadable: number;
  readonly problem: unknown;
}

export interface OrderHistoryOptions {
  readonly list: (query: { cursor?: string; pageSize: number }) => Promise<OrderPage>;
  readonly notebook: Notebook;
  readonly now: () => number;
}

const pageSize = 20;
/** As many as are written down. */
const keptOrders = 40;

/**
 * All orders of a user by pages. The newest page is fetched again whenever something may have changed; older pages are
 * added on demand, by cursor. Outlives the screens, so that Back finds the list as it was left.
 */
export class OrderHistory {
  readonly #options: OrderHistoryOptions;
  readonly #listeners = new Set<() => void>();
  #state: HistoryState = {
    orders: undefined,
    fetchedAt: null,
    isOld: false,
    hasMore: false,
    isLoadingMore: false,
    total: null,
    unreadable: 0,
    problem: undefined,
  };
  #cursor: string | null = null;
  /** Counts the times that the list began anew: an older page asked for before is of no use. */
  #generation = 0;
  /** Whether the newest page has come in since the list began. */
  #isContinued = false;
  #isLoading = false;
  #isWanted = false;
  #waiting: (() => void)[] = [];

  constructor(options: OrderHistoryOptions) {
    this.#options = options;
  }

  getState = (): HistoryState => this.#state;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  find(orderId: string): Order | undefined {
    return this.#state.orders?.find(({ id }) => id === orderId);
  }

  /** Shows what was written down, until the server has answered. */
  async restore(): Promise<void> {
    const { savedAt, orders } = asObject(await this.#options.notebook.read('orders')) ?? {};
    if (typeof savedAt !== 'number' || !Array.isArray(orders)) return;
    if (this.#state.fetchedAt !== null) return; // The server was faster.
    const known = orders.map(parseOrder).filter((order) => order !== null);
    this.#set({ orders: known, fetchedAt: savedAt, isOld: true });
  }

  /** Asks for the newest page; one request is under way at most. Resolves when the answer is in; never rejects. */
  reload = (): Promise<void> => {
    const answered = new Promise<void>((done) => this.#waiting.push(done));
    if (this.#isLoading) this.#isWanted = true;
    else void this.#load();
    return answered;
  };

  /** Adds the next older page. */
  loadMore = async (): Promise<void> => {
    const cursor = this.#cursor;
    if (cursor === null || this.#state.isLoadingMore) return;
    const generation = this.#generation;
    this.#set({ isLoadingMore: true });
    try {
      const page = await this.#options.list({ cursor, pageSize });
      if (generation !== this.#generation) {
        this.#set({ isLoadingMore: false });
        return;
      }
      this.#cursor = page.meta.nextCursor ?? null;
      this.#set({
        orders: merge(this.#state.orders ?? [], page.orders),
        hasMore: this.#cursor !== null,
        isLoadingMore: false,
        unreadable: this.#state.unreadable + (page.unreadable ?? 0),
        problem: undefined,
      });
    } catch (problem) {
      this.#set({ isLoadingMore: false, problem });
    }
  };

  /** Takes a pushed or answered state of an order. One older than all that is held waits for its page. */
  offer = (order: Order): void => {
    const { orders } = this.#state;
    if (orders === undefined) return;
    const held = this.find(order.id);
    const newest = orders[0];
    const isNew = newest === undefined || order.createdAt > newest.createdAt;
    if (held === undefined ? !isNew : newer(held, order) === held) return;
    this.#set({ orders: merge(orders, [order]) });
    void this.#write();
  };

  /** The server's store is another one: versions from before can't be compared. */
  forgetVersions(): void {
    this.#isContinued = false;
  }

  async #load(): Promise<void> {
    this.#isLoading = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      const page = await this.#options.list({ pageSize });
      this.#take(page);
      await this.#write();
    } catch (problem) {
      this.#set({ problem, isOld: this.#state.orders !== undefined });
    } finally {
      this.#isLoading = false;
      for (const done of waiting) done();
      if (this.#isWanted) {
        this.#isWanted = false;
        void this.#load();
      }
    }
  }

  #take(page: OrderPage): void {
    const held = new Map((this.#state.orders ?? []).map((order) => [order.id, order]));
    const next = page.meta.nextCursor ?? null;
    // Older pages stay only if the newest one reaches them: in between nothing may be missing.
    const isJoined =
      this.#isContinued && next !== null && page.orders.some(({ id }) => held.has(id));
    // At the beginning the page wins: what is held may be from another store, whose versions say nothing.
    const orders = this.#isContinued
      ? page.orders.map((order) => newer(held.get(order.id), order))
      : page.orders;
    if (!isJoined) {
      this.#cursor = next;
      this.#generation += 1;
    }
    this.#isContinued = true;
    this.#set({
      orders: isJoined ? merge([...held.values()], orders) : orders,
      hasMore: this.#cursor !== null,
      isOld: false,
      fetchedAt: this.#options.now(),
      total: page.meta.total,
      unreadable: page.unreadable ?? 0,
      problem: undefined,
    });
  }

  async #write(): Promise<void> {
    const { fetchedAt: savedAt, isOld } = this.#state;
    if (savedAt === null || isOld) return;
    const orders = (this.#state.orders ?? []).slice(0, keptOrders);
    await this.#options.notebook.write('orders', { savedAt, orders });
  }

  #set(change: Partial<HistoryState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Each order once, in its newest state; newest order first. */
function merge(held: readonly Order[], offered: readonly Order[]): readonly Order[] {
  const byId = new Map(held.map((order) => [order.id, order]));
  for (const order of offered) byId.set(order.id, newer(byId.get(order.id), order));
  return [...byId.values()].sort(
    (a, b) => b.createdAt.localeCompare(a.createdAt) || b.id.localeCompare(a.id),
  );
}
