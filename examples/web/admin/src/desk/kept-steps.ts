// SPDX-License-Identifier: MIT

import { asObject, type KeyValueStore, type OrderStatus, parseOrder } from '@ordercast/client';
import type { Step } from './step-queue.ts';

export interface KeptStep {
  readonly step: Step;
  /** How long it can still be undone by the page that took it; 0 once it may be sent. */
  readonly waitMs: number;
}

/** The longest wait that is believed: the device's clock may have been set. */
const maxWaitMs = 60_000;

/**
 * One user's steps that have had no answer yet, over the end of the page, in all of this browser's tabs. A page may be
 * killed, or lose a call while it is left; the next one sends it again, from the same version: a step that had arrived
 * is not made twice.
 */
export class KeptSteps {
  readonly #storage: KeyValueStore;
  readonly #key: string;
  readonly #now: () => number;

  /** `now`: a clock that all tabs share. */
  constructor(storage: KeyValueStore, key: string, now: () => number = Date.now) {
    this.#storage = storage;
    this.#key = key;
    this.#now = now;
  }

  read(): readonly KeptStep[] {
    return Object.values(this.#entries()).flatMap((value) => {
      const entry = asObject(value);
      const order = parseOrder(entry?.order);
      if (entry === null || order === null || typeof entry.status !== 'string') return [];
      const note = typeof entry.note === 'string' ? entry.note : undefined;
      const left = typeof entry.dueAt === 'number' ? entry.dueAt - this.#now() : 0;
      const waitMs = Math.min(Math.max(0, left), maxWaitMs);
      return [{ step: { order, status: entry.status as OrderStatus, note }, waitMs }];
    });
  }

  keep({ order, status, note }: Step, waitMs: number): void {
    // Nothing of the customer is written down: what names the order is enough.
    const { id, version, number } = order;
    const named = { id, version, number, status: order.status };
    const dueAt = this.#now() + waitMs;
    this.#write({ ...this.#entries(), [id]: { order: named, status, note, dueAt } });
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
