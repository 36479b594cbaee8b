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
 * - `unsure`: it is unknown whether the order has arrived. Trying again sends the same key, so it is placed once.
 * - `refused`: nothing is sent, for this reason; `isOnlineOff` if it is that the server takes no online payments.
 */
export type PlacementState =
  | { readonly status: 'idle' }
  | { readonly status: 'sending' }
  | { readonly status: 'unsure'; readonly reason: string }
  | { readonly status: 'refused'; readonly reason: string; readonly isOnlineOff?: boolean };

export type Exclusively = <T>(work: () => Promise<T>) => Promise<T>;

export interface PlacementOptions {
  readonly place: (order: NewOrder, key: string) => Promise<Order>;
  readonly notebook: Notebook;
  readonly newKey: () => string;
  /** Runs `work` in one tab at a time; leave it out on a platform without tabs. */
  readonly exclusively?: Exclusively | undefined;
  readonly now: () => number;
}

const entry = 'attempt';
/** The server remembers keys for 24 hours: after this long, asking again could order twice. */
const keptMs = 23 * 3600_000;
/** So far a device's clock may be set back, as happens when it is synchronized. */
const clockStepMs = 60_000;

/** Places an order once, however often the network fails meanwhile. */
export class Placement {
  readonly #options: PlacementOptions;
  readonly #listeners = new Set<() => void>();
  #state: PlacementState = { status: 'idle' };
  #attempt: Attempt | null = null;
  #takesOnline = true;

  constructor(options: PlacementOptions) {
    this.#options = options;
  }

  /** Whether an order may be paid online, as far as the server has said. */
  get takesOnline(): boolean {
    return this.#takesOnline;
  }

  getState = (): PlacementState => this.#state;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Finds what was sent before the app ended. */
  async restore(): Promise<void> {
    const attempt = await this.#findWritten();
    if (attempt === null || this.#state.status !== 'idle') return;
    this.#attempt = attempt;
    this.#set({ status: 'unsure', reason: 'The app closed before the shop had answered.' });
  }

  /** Sends a new order. Returns it once it is placed; null if it was refused or that is unknown. */
  async send(order: NewOrder): Promise<Order | null> {
    // What became of the one before has to be known first.
    if (this.#attempt !== null || this.#state.status === 'sending') return null;
    this.#set({ status: 'sending' });
    const { exclusively = (work) => work() } = this.#options;
    const { attempt, isOurs } = await exclusively(() => this.#writeDown(order));
    this.#attempt = attempt;
    if (isOurs) return this.#run(attempt);
    this.#set({ status: 'unsure', reason: 'An order from before has had no answer yet.' });
    return null;
  }

  /** Writes it down before it is sent, since the app may end in between. Not ours: another tab has sent that one. */
  async #writeDown(order: NewOrder): Promise<{ attempt: Attempt; isOurs: boolean }> {
    const before = await this.#findWritten();
    if (before !== null) return { attempt: before, isOurs: false };
    const { newKey, now, notebook } = this.#options;
    const attempt = { key: newKey(), order, sentAt: now() };
    await notebook.write(entry, attempt);
    return { attempt, isOurs: true };
  }

  /** Sends again the order of which it is unknown whether it has arrived. */
  async retry(): Promise<Order | null> {
    const attempt = this.#attempt;
    if (attempt === null || this.#state.status !== 'unsure') return null;
    this.#set({ status: 'sending' });
    if (!this.#isTooOld(attempt)) return this.#run(attempt);
    const reason = 'It is too late to ask again. Look at your orders before you order this anew.';
    await this.#end(attempt, { status: 'refused', reason });
    return null;
  }

  /** Gives up: the user has looked and knows better. */
  async forget(): Promise<void> {
    const attempt = this.#attempt;
    if (this.#state.status === 'sending') return;
    this.#attempt = null;
    this.#set({ status: 'idle' });
    if (attempt !== null) await this.#erase(attempt);
  }

  async #run(attempt: Attempt): Promise<Order | null> {
    try {
      const order = await this.#options.place(attempt.order, attempt.key);
      await this.#end(attempt, { status: 'idle' });
      return order;
    } catch (problem) {
      const reason = problemText(problem);
      if (!isRefusal(problem)) {
        this.#set({ status: 'unsure', reason });
      } else if (isOnlineRefusal(problem)) {
        this.#takesOnline = false;
        await this.#end(attempt, { status: 'refused', reason, isOnlineOff: true });
      } else {
        await this.#end(attempt, { status: 'refused', reason });
      }
      return null;
    }
  }

  async #end(attempt: Attempt, state: PlacementState): Promise<void> {
    await this.#erase(attempt);
    this.#attempt = null;
    this.#set(state);
  }

  /** What this user has sent, in this tab or in another, and may still be asked for. */
  async #findWritten(): Promise<Attempt | null> {
    const attempt = parseAttempt(await this.#options.notebook.read(entry));
    if (attempt === null || !this.#isTooOld(attempt)) return attempt;
    await this.#erase(attempt);
    return null;
  }

  #isTooOld({ sentAt }: Attempt): boolean {
    const age = this.#options.now() - sentAt;
    return age < -clockStepMs || age > keptMs;
  }

  /** Another tab may have sent another order since: that one stays. */
  async #erase({ key }: Attempt): Promise<void> {
    const { notebook } = this.#options;
    if (parseAttempt(await notebook.read(entry))?.key === key) await notebook.write(entry, null);
  }

  #set(state: PlacementState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) listener();
  }
}

function isOnlineRefusal(problem: unknown): boolean {
  return problem instanceof ApiError && problem.title === 'Online Payments Are Off';
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
