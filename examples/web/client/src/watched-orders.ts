// SPDX-License-Identifier: MIT

/** Watches a changing set of orders: the server is told only of the orders that come and go. */
export class WatchedOrders {
  readonly #watch: (orderId: string) => () => void;
  readonly #stops = new Map<string, () => void>();

  constructor(watch: (orderId: string) => () => void) {
    this.#watch = watch;
  }

  /** Leaves the orders that are not among `ids`, then watches the new ones. */
  set(ids: readonly string[]): void {
    const wanted = new Set(ids);
    for (const [id, stop] of [...this.#stops]) {
      if (wanted.has(id)) continue;
      this.#stops.delete(id);
      stop();
    }
    for (const id of wanted) {
      if (!this.#stops.has(id)) this.#stops.set(id, this.#watch(id));
    }
  }
}
