// SPDX-License-Identifier: MIT

import {
  isConflict,
  type Order,
  type OrderStatus,
  type TimerId,
  type Timers,
} from '@ordercast/client';
import { orderOfConflict } from '@ordercast/client/staff';
import type { KeptStep, KeptSteps } from './kept-steps.ts';
import { Observable } from './observable.ts';

/**
 * Steps that the user has taken. Each waits a few seconds, in which it can be undone, and is then sent with the version
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
  /** Another user was faster. `now` is the order as it is, if the server has said so. */
  | {
      readonly phase: 'refused';
      readonly step: Step;
      readonly problem: unknown;
      readonly now: Order | null;
    };

/** A step that another tab has let wait for so much longer than it should is sent here: that tab is gone. */
const overdueMs = 2000;

/** A step that was not made. */
export type LostStep = Extract<StepState, { phase: 'failed' | 'refused' }>;

export interface StepQueueOptions {
  readonly timers: Timers;
  now(): number;
  /** How long a step can be undone; 0 sends it at once. */
  undoMs(): number;
  /** Called when a step is taken: what sending it needs is made ready, so that it needs nothing first. */
  prepare?(): void;
  send(step: Step): Promise<Order>;
  /** Holds each step until it has an answer, also when the page ends before. */
  readonly kept: Pick<KeptSteps, 'read' | 'keep' | 'forget'>;
  /** Called with the order as it is after a step, or instead of one. */
  onOrder(order: Order): void;
  /** Called when a refusal does not say how the order is. */
  onOutdated(orderId: string): void;
}

export class StepQueue extends Observable {
  readonly #options: StepQueueOptions;
  readonly #states = new Map<string, StepState>();
  readonly #timers = new Map<string, TimerId>();
  /** While a step is sent: the order as it was seen to be with the step made. */
  readonly #made = new Map<string, Order>();
  #lost: readonly LostStep[] = [];
  /** Steps of an earlier page, or another: they may have been made, and others after them. */
  readonly #resumed = new Set<string>();
  readonly #resumeTimers = new Set<TimerId>();

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
    this.#resumed.delete(id);
    this.#options.prepare?.();
    if (undoMs <= 0) {
      void this.#send(step);
      return true;
    }
    this.#set(id, { phase: 'waiting', step, sendAt: this.#options.now() + undoMs });
    this.#timers.set(
      id,
      this.#options.timers.set(() => void this.#send(step), undoMs),
    );
    return true;
  }

  /**
   * Sends what an earlier page has taken and got no answer for. What can still be undone may be another tab's, which
   * sends it by itself: it is looked at again when it is overdue.
   */
  resume(): void {
    for (const { step, waitMs } of this.#options.kept.read()) {
      if (waitMs > 0) this.#resumeLater(step, waitMs + overdueMs);
      else this.#resume(step);
    }
  }

  #resumeLater(step: Step, delayMs: number): void {
    const { timers, kept } = this.#options;
    const timer = timers.set(() => {
      this.#resumeTimers.delete(timer);
      const isSame = (entry: KeptStep): boolean =>
        entry.step.order.id === step.order.id && entry.step.order.version === step.order.version;
      if (kept.read().some(isSame)) this.#resume(step);
    }, delayMs);
    this.#resumeTimers.add(timer);
  }

  #resume(step: Step): void {
    const { id } = step.order;
    if (this.#states.has(id)) return;
    this.#resumed.add(id);
    void this.#send(step);
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
    if (state?.phase === 'failed') void this.#send(state.step);
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
      void this.#send(state.step);
    }
  }

  /**
   * Sends all that waits, in other tabs too: their session ends with this one. Settles when each has an answer, or
   * after `deadlineMs`.
   */
  async finish(deadlineMs: number): Promise<void> {
    this.flush();
    const { timers, kept } = this.#options;
    for (const { step } of kept.read()) this.#resume(step);
    await new Promise<void>((resolve) => {
      const done = (): void => {
        unsubscribe();
        timers.clear(timer);
        resolve();
      };
      const look = (): void => {
        if (![...this.#states.values()].some(({ phase }) => phase === 'sending')) done();
      };
      const unsubscribe = this.subscribe(look);
      const timer = timers.set(done, deadlineMs);
      look();
    });
  }

  /** Stops; for a session that has ended. What is unsent stays kept, for the user's next page. */
  close(): void {
    for (const id of [...this.#timers.keys()]) this.#stopTimer(id);
    for (const timer of this.#resumeTimers) this.#options.timers.clear(timer);
    this.#resumeTimers.clear();
    this.#states.clear();
    this.#made.clear();
    this.#lost = [];
  }

  /**
   * Follows an order. A failure whose cause is gone is forgotten: the order has moved on. A step that waits is refused
   * here if another user was faster, without asking the server first.
   */
  onOrder(order: Order): void {
    const state = this.#states.get(order.id);
    if (state === undefined || order.version <= state.step.order.version) return;
    const { step } = state;
    const isSame = order.status === step.order.status; // Its payment or its estimate.
    if (state.phase === 'sending') {
      if (order.status === step.status) this.#made.set(order.id, order);
    } else if (state.phase === 'failed') {
      this.#set(order.id, isSame ? { ...state, step: { ...step, order } } : undefined);
    } else if (state.phase === 'refused') {
      if (state.now === null && order.status === step.status) this.#set(order.id, undefined);
    } else {
      this.#stopTimer(order.id);
      if (isSame) this.#goOn({ ...step, order }, state.sendAt);
      else this.#set(order.id, { phase: 'refused', step, problem: undefined, now: order });
    }
  }

  /** A step that waits goes on from a newer version of its order. */
  #goOn(step: Step, sendAt: number): void {
    const { id } = step.order;
    const { timers, now, kept } = this.#options;
    this.#states.set(id, { phase: 'waiting', step, sendAt });
    const delay = Math.max(0, sendAt - now());
    kept.keep(step, delay);
    this.#timers.set(
      id,
      timers.set(() => void this.#send(step), delay),
    );
  }

  async #send(step: Step): Promise<void> {
    const { id } = step.order;
    this.#timers.delete(id);
    this.#made.delete(id);
    this.#set(id, { phase: 'sending', step });
    try {
      const order = await this.#options.send(step);
      this.#set(id, undefined);
      this.#options.onOrder(order);
    } catch (problem) {
      this.#onProblem(step, problem);
    }
    this.#made.delete(id);
  }

  #onProblem(step: Step, problem: unknown): void {
    const { id } = step.order;
    const now = orderOfConflict(problem);
    const hadIt =
      this.#resumed.has(id) && now?.statusLogs.some(({ status }) => status === step.status);
    if (this.#made.has(id) || now?.status === step.status || hadIt) {
      // It was made, and only its answer was lost.
      this.#set(id, undefined);
      if (now !== null) this.#options.onOrder(now);
    } else if (!isConflict(problem)) {
      this.#set(id, { phase: 'failed', step, problem });
    } else {
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
    // A step that failed stays: only its answer may have been lost, with the page that waited for it.
    const { kept, now } = this.#options;
    if (state?.phase === 'waiting') kept.keep(state.step, state.sendAt - now());
    else if (state?.phase === 'sending') kept.keep(state.step, 0);
    else if (state?.phase !== 'failed') kept.forget(orderId);
    if (state === undefined) this.#states.delete(orderId);
    else this.#states.set(orderId, state);
    const lost = [...this.#states.values()].filter(
      (entry): entry is LostStep => entry.phase === 'failed' || entry.phase === 'refused',
    );
    if (lost.length > 0 || this.#lost.length > 0) this.#lost = lost;
    this.tell();
  }
}
