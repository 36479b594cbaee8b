// SPDX-License-Identifier: MIT

import { asObject, type KeyValueStore, type OrderStatus, parseOrder } from '@ordercast/client';
import type { Step } from './step-queue.ts';

/**
 * One user's steps that were sent and have had no answer yet, over the end of the page. A page that is being left may
 * lose a call; the next one sends it again, from the same version: a step that had arrived is not made twice.
 */
export class KeptSteps {
  readonly #storage: KeyValueStore;
  readonly #key: string;

  constructor(storage: KeyValueStore, key: string) {
    this.#storage = storage;
    this.#key = key;
  }

  read(): readonly Step[] {
    return Object.values(this.#entries()).flatMap((value) => {
      const entry = asObject(value);
      const order = parseOrder(entry?.order);
      if (entry === null || order === null || typeof entry.status !== 'string') return [];
      const note = typeof entry.note === 'string' ? entry.note : undefined;
      return [{ order, status: entry.status as OrderStatus, note }];
    });
  }

  keep({ order, status, note }: Step): void {
    // Nothing of the customer is written down: what names the order is enough.
    const { id, version, number } = order;
    const named = { id, version, number, status: order.status };
    this.#write({ ...this.#entries(), [id]: { order: named, status, note } });
  }

  forget(orderId: string): void {
    const { [orderId]: entry, ...others } = this.#entries();
    if (entry !== undefined) this.#write(others);
  }

  #entries(): Readonly<Record<string, unknown>> {
    const text = this.#storage.get(this.#key);
    try {
      return (typeof text === 'string' && asObject(JSON.parse(text))) || {};
    } catch {
      return {}; // As if nothing were stored.
    }
  }

  #write(entries: Readonly<Record<string, unknown>>): void {
    if (Object.keys(entries).length === 0) void this.#storage.remove(this.#key);
    else void this.#storage.set(this.#key, JSON.stringify(entries));
  }
}
