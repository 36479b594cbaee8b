// SPDX-License-Identifier: MIT

import { ApiError, asObject, type NewOrder, type Order, problemText } from '@ordercast/client';
import type { Notebook } from './notebook.ts';

/** An order that was sent; kept until it is known what became of it, over reloads too. */
interface Attempt {
  readonly key: string;
  readonly order: NewOrder;
  readonly sentAt: number;
}

/**
 * - `sending`: the server has not answered yet.
 * - `unsure`: nobody knows whether the order has arrived. Trying again sends the same key, so it is placed once.
 */
export type PlacementState =
  | { readonly status: 'idle' }
  | { readonly status: 'sending' }
  | { readonly status: 'unsure'; readonly reason: string }
  | { readonly status: 'refused'; readonly reason: string };

export interface PlacementOptions {
  readonly place: (order: NewOrder, key: string) => Promise<Order>;
  readonly notebook: Notebook;
  readonly newKey: () => string;
  readonly now: () => number;
}

const entry = 'attempt';
/** The server remembers keys for 24 hours: after this long, asking again could order twice. */
const keptMs = 23 * 3600_000;

/** Places an order once, however often the network fails meanwhile. */
export class Placement {
  readonly #options: PlacementOptions;
  readonly #listeners = new Set<() => void>();
  #state: PlacementState = { status: 'idle' };
  #attempt: Attempt | null = null;

  constructor(options: PlacementOptions) {
    this.#options = options;
  }

  getState = (): PlacementState => this.#state;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Finds what was sent before the app ended. */
  async restore(): Promise<void> {
    const { notebook, now } = this.#options;
    const attempt = parseAttempt(await notebook.read(entry));
    if (attempt === null || this.#state.status !== 'idle') return;
    const age = now() - attempt.sentAt;
    if (age < 0 || age > keptMs) {
      await notebook.write(entry, null);
      return;
    }
    this.#attempt = attempt;
    this.#set({ status: 'unsure', reason: 'The app closed before the shop had answered.' });
  }

  /** Sends a new order. Returns it once it is placed; null if it was refused or nobody knows. */
  async send(order: NewOrder): Promise<Order | null> {
    if (this.#attempt !== null) return null; // What became of the one before has to be known first.
    this.#attempt = { key: this.#options.newKey(), order, sentAt: this.#options.now() };
    return this.#run(this.#attempt);
  }

  /** Asks again for the order of which nobody knows whether it has arrived. */
  async retry(): Promise<Order | null> {
    if (this.#attempt === null || this.#state.status !== 'unsure') return null;
    return this.#run(this.#attempt);
  }

  /** Gives up: the user has looked and knows better. */
  async forget(): Promise<void> {
    if (this.#state.status === 'sending') return;
    this.#attempt = null;
    this.#set({ status: 'idle' });
    await this.#options.notebook.write(entry, null);
  }

  async #run(attempt: Attempt): Promise<Order | null> {
    const { place, notebook } = this.#options;
    this.#set({ status: 'sending' });
    // Written down before it is sent: the app may end in between.
    await notebook.write(entry, attempt);
    try {
      const order = await place(attempt.order, attempt.key);
      await this.#end({ status: 'idle' });
      return order;
    } catch (problem) {
      const reason = problemText(problem);
      if (isRefusal(problem)) await this.#end({ status: 'refused', reason });
      else this.#set({ status: 'unsure', reason });
      return null;
    }
  }

  async #end(state: PlacementState): Promise<void> {
    this.#attempt = null;
    await this.#options.notebook.write(entry, null);
    this.#set(state);
  }

  #set(state: PlacementState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Whether the order server itself has said no: nothing was ordered. A proxy's answer says nothing about that. */
export function isRefusal(problem: unknown): boolean {
  if (!(problem instanceof ApiError) || !problem.isEnvelope) return false;
  const { status } = problem;
  // 408 and 409: a twin is at work; 429 and 503: nothing was done, and the same may be sent again.
  return status >= 400 && status < 500 && ![401, 408, 409, 425, 429].includes(status);
}

function parseAttempt(value: unknown): Attempt | null {
  const { key, order, sentAt } = asObject(value) ?? {};
  const { storeId, items } = asObject(order) ?? {};
  if (typeof key !== 'string' || typeof sentAt !== 'number') return null;
  if (typeof storeId !== 'string' || !Array.isArray(items)) return null;
  return { key, order: order as NewOrder, sentAt };
}
