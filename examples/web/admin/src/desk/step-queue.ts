// SPDX-License-Identifier: MIT

import {
  isConflict,
  type Order,
  type OrderStatus,
  type TimerId,
  type Timers,
} from '@ordercast/client';
import { orderOfConflict } from '@ordercast/client/staff';
import { Observable } from './observable.ts';

/**
 * Steps that somebody has taken. Each waits a few seconds, in which it can be undone, and is then sent with the version
 * that was on the screen: a change that was made from something out of date is refused, and the note says what
 * happened instead.
 */

export interface Step {
  readonly order: Order;
  readonly status: OrderStatus;
  readonly note?: string | undefined;
}

export type StepState =
  | { readonly phase: 'waiting'; readonly step: Step; readonly sendAt: number }
  | { readonly phase: 'sending'; readonly step: Step }
  | { readonly phase: 'failed'; readonly step: Step; readonly problem: unknown }
  /** Somebody else was faster. `now` is the order as it is, if the server has said so. */
  | {
      readonly phase: 'refused';
      readonly step: Step;
      readonly problem: unknown;
      readonly now: Order | null;
    };

/** A step that was not made. */
export type LostStep = Extract<StepState, { phase: 'failed' | 'refused' }>;

export interface StepQueueOptions {
  readonly timers: Timers;
  now(): number;
  /** How long a step can be undone; 0 sends it at once. */
  undoMs(): number;
  send(step: Step, options: { keepalive: boolean }): Promise<Order>;
  /** Called with the order as it is after a step, or instead of one. */
  onOrder(order: Order): void;
  /** Called when a refusal does not say how the order is. */
  onOutdated(orderId: string): void;
}

export class StepQueue extends Observable {
  readonly #options: StepQueueOptions;
  readonly #states = new Map<string, StepState>();
  readonly #timers = new Map<string, TimerId>();
  #lost: readonly LostStep[] = [];

  constructor(options: StepQueueOptions) {
    super();
    this.#options = options;
  }

  /** What became of the last step of an order; undefined if that is over. */
  get(orderId: string): StepState | undefined {
    return this.#states.get(orderId);
  }

  /** The steps that were not made, oldest first; the same list until that changes. */
  get lost(): readonly LostStep[] {
    return this.#lost;
  }

  /** The step that can be undone and was taken last, if any. */
  get latest(): Step | undefined {
    const waiting = [...this.#states.values()].filter(({ phase }) => phase === 'waiting');
    return waiting.at(-1)?.step;
  }

  /** Takes a step. An order takes one at a time: returns false while one is on its way. */
  take(step: Step): boolean {
    const { id } = step.order;
    const phase = this.#states.get(id)?.phase;
    if (phase === 'waiting' || phase === 'sending') return false;
    const undoMs = this.#options.undoMs();
    this.#states.delete(id); // The newest goes last.
    if (undoMs <= 0) {
      void this.#send(step, false);
      return true;
    }
    this.#set(id, { phase: 'waiting', step, sendAt: this.#options.now() + undoMs });
    this.#timers.set(
      id,
      this.#options.timers.set(() => void this.#send(step, false), undoMs),
    );
    return true;
  }

  /** Takes back a step that was not sent. Returns false if it was too late. */
  undo(orderId: string): boolean {
    if (this.#states.get(orderId)?.phase !== 'waiting') return false;
    this.#stopTimer(orderId);
    this.#set(orderId, undefined);
    return true;
  }

  undoLatest(): Step | undefined {
    const step = this.latest;
    return step !== undefined && this.undo(step.order.id) ? step : undefined;
  }

  /** Sends a failed step again. */
  retry(orderId: string): void {
    const state = this.#states.get(orderId);
    if (state?.phase === 'failed') void this.#send(state.step, false);
  }

  /** Takes away what is said about a step that failed. */
  dismiss(orderId: string): void {
    const phase = this.#states.get(orderId)?.phase;
    if (phase === 'failed' || phase === 'refused') this.#set(orderId, undefined);
  }

  /** Sends all that waits: the page is being left. */
  flush(): void {
    for (const state of [...this.#states.values()]) {
      if (state.phase !== 'waiting') continue;
      this.#stopTimer(state.step.order.id);
      void this.#send(state.step, true);
    }
  }

  /** Drops everything unsent; for a session that has ended. */
  close(): void {
    for (const id of [...this.#timers.keys()]) this.#stopTimer(id);
    this.#states.clear();
    this.#lost = [];
  }

  /**
   * Follows an order. A failure whose cause is gone is forgotten: the order is another one now. A step that waits is
   * refused here if somebody else was faster, without asking the server first.
   */
  onOrder(order: Order): void {
    const state = this.#states.get(order.id);
    if (state === undefined || order.version <= state.step.order.version) return;
    if (state.phase === 'failed') this.#set(order.id, undefined);
    if (state.phase !== 'waiting') return;
    this.#stopTimer(order.id);
    if (order.status === state.step.order.status) {
      // Its payment or its estimate: no reason to refuse the step.
      const { step, sendAt } = state;
      const followed = { ...step, order };
      this.#states.set(order.id, { phase: 'waiting', step: followed, sendAt });
      const delay = Math.max(0, sendAt - this.#options.now());
      this.#timers.set(
        order.id,
        this.#options.timers.set(() => void this.#send(followed, false), delay),
      );
      return;
    }
    this.#set(order.id, { phase: 'refused', step: state.step, problem: undefined, now: order });
  }

  async #send(step: Step, keepalive: boolean): Promise<void> {
    const { id } = step.order;
    this.#timers.delete(id);
    this.#set(id, { phase: 'sending', step });
    try {
      const order = await this.#options.send(step, { keepalive });
      this.#set(id, undefined);
      this.#options.onOrder(order);
    } catch (problem) {
      if (!isConflict(problem)) {
        this.#set(id, { phase: 'failed', step, problem });
        return;
      }
      const now = orderOfConflict(problem);
      this.#set(id, { phase: 'refused', step, problem, now });
      if (now === null) this.#options.onOutdated(id);
      else this.#options.onOrder(now);
    }
  }

  #stopTimer(orderId: string): void {
    const timer = this.#timers.get(orderId);
    if (timer !== undefined) this.#options.timers.clear(timer);
    this.#timers.delete(orderId);
  }

  #set(orderId: string, state: StepState | undefined): void {
    if (state === undefined) this.#states.delete(orderId);
    else this.#states.set(orderId, state);
    const lost = [...this.#states.values()].filter(
      (entry): entry is LostStep => entry.phase === 'failed' || entry.phase === 'refused',
    );
    if (lost.length > 0 || this.#lost.length > 0) this.#lost = lost;
    this.tell();
  }
}
