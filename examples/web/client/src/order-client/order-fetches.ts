// SPDX-License-Identifier: MIT

import { ApiError } from '../api';
import { type Timers, withDeadline } from '../environment';
import type { Order } from '../types';
import type { WatchedOrder } from './watched-order';

/** Longer than a call of `OrderApi` that includes a renewal: only a last resort. */
const fetchTimeoutMs = 60_000;

export interface OrderFetchesOptions {
  readonly fetchOrder: ((orderId: string) => Promise<Order>) | undefined;
  readonly timers: Timers;
  readonly onFetched: (watched: WatchedOrder, order: Order) => void;
}

/** Fetches watched orders over HTTP, each at most once at a time. */
export class OrderFetches {
  readonly #options: OrderFetchesOptions;
  readonly #running = new Set<WatchedOrder>();

  constructor(options: OrderFetchesOptions) {
    this.#options = options;
  }

  /** Never rejects: what went wrong becomes the order's problem. */
  async fetch(watched: WatchedOrder): Promise<void> {
    const { fetchOrder, timers, onFetched } = this.#options;
    if (fetchOrder === undefined || this.#running.has(watched)) return;
    this.#running.add(watched);
    try {
      const deadline = { timers, timeoutMs: fetchTimeoutMs };
      const order = await withDeadline(fetchOrder(watched.id), deadline, timedOut);
      onFetched(watched, order);
      watched.setProblem(undefined);
    } catch (problem) {
      watched.setProblem(problem);
    } finally {
      this.#running.delete(watched);
    }
  }
}

function timedOut(): ApiError {
  return new ApiError(0, 'Timeout', 'The server does not answer');
}
