// SPDX-License-Identifier: MIT

import { type Report, runReporting } from '../report';
import type { Order } from '../types';

export type OrderListener = (order: Order) => void;

/** What is known of a watched order. A new object whenever something has changed. */
export interface OrderSnapshot {
  readonly order: Order | undefined;
  /** Why there is no order, or no fresh one. Undefined while all is well. */
  readonly problem: unknown;
}

export const unknownOrder: OrderSnapshot = { order: undefined, problem: undefined };

/** One order, and who watches it: listeners get each state, observers only hear that the snapshot has changed. */
export class WatchedOrder {
  readonly id: string;
  readonly listeners = new Set<OrderListener>();
  readonly observers = new Set<() => void>();
  readonly #report: Report;
  #snapshot: OrderSnapshot;
  /** The store generation that the order is from. */
  #generation: number;
  #references = 0;

  constructor(id: string, known: Order | undefined, generation: number, report: Report) {
    this.id = id;
    this.#snapshot = known === undefined ? unknownOrder : { order: known, problem: undefined };
    this.#generation = generation;
    this.#report = report;
  }

  get snapshot(): OrderSnapshot {
    return this.#snapshot;
  }

  /** The version that watchers have; 0 if it is from another store generation. */
  version(generation: number): number {
    return generation === this.#generation ? (this.#snapshot.order?.version ?? 0) : 0;
  }

  /** Replaces the order, which clears the problem, and tells everybody. */
  accept(order: Order, generation: number): void {
    this.#snapshot = { order, problem: undefined };
    this.#generation = generation;
    for (const listener of [...this.listeners]) this.#run(() => listener(order));
    this.#tellObservers();
  }

  /** Sets or clears the problem, and tells observers if that changes it. */
  setProblem(problem: unknown): void {
    if (this.#snapshot.problem === problem) return;
    this.#snapshot = { order: this.#snapshot.order, problem };
    this.#tellObservers();
  }

  retain(): void {
    this.#references += 1;
  }

  /** Returns whether that was the last reference. */
  release(): boolean {
    this.#references -= 1;
    return this.#references === 0;
  }

  #tellObservers(): void {
    for (const observer of [...this.observers]) this.#run(observer);
  }

  #run(action: () => void): void {
    runReporting(this.#report, action);
  }
}
