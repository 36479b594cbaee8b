// SPDX-License-Identifier: MIT

import type { KeyValueStore } from '@ordercast/client';

/** More than wait at any time; older ones have long been dealt with. */
const most = 500;

/** Which orders one user has opened or silenced in this browser, over reloads and sign-ins. */
export class OpenedOrders {
  readonly #storage: KeyValueStore;
  readonly #key: string;

  constructor(storage: KeyValueStore, key: string) {
    this.#storage = storage;
    this.#key = key;
  }

  /** Null where nothing was ever remembered: nobody has worked here. */
  read(): ReadonlySet<string> | null {
    const text = this.#storage.get(this.#key);
    try {
      const ids: unknown = typeof text === 'string' ? JSON.parse(text) : null;
      return Array.isArray(ids) ? new Set(ids.filter((id) => typeof id === 'string')) : null;
    } catch {
      return null; // As if nothing were stored.
    }
  }

  /** Other tabs remember theirs in the same place. */
  add(orderIds: Iterable<string>): void {
    const ids = [...new Set([...(this.read() ?? []), ...orderIds])].slice(-most);
    void this.#storage.set(this.#key, JSON.stringify(ids));
  }
}
