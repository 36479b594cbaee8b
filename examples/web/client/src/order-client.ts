// SPDX-License-Identifier: MIT

import type { Environment, Socket, TimerId } from './environment.ts';
import { type Action, Machine, type MachineOptions } from './machine.ts';
import { newer } from './order-rules.ts';
import type { ConnectionState, Order, OrdersChanged, ServerMessage } from './types.ts';
import { parseOrder } from './validate.ts';

export interface OrderClientOptions {
  /** The endpoint, "wss://orders.example/ws". */
  readonly url: string;
  /** The access token; a new one when `fresh`. Null: nobody is signed in. Throws when it can't ask. */
  readonly getToken: (request: { fresh: boolean }) => Promise<string | null>;
  /** Asks for one order over HTTP: when it is first watched, and every minute while not live. */
  readonly fetchOrder?: (orderId: string) => Promise<Order>;
  readonly environment: Environment;
  /** Told what went wrong without stopping anything: a message that is no order, a listener that throws. */
  readonly onProblem?: (problem: unknown) => void;
  readonly machine?: MachineOptions;
}

export type OrderListener = (order: Order) => void;
/** Called with the hint, or without one when anything may have changed: after a reconnect, and to poll. */
export type ListListener = (change?: OrdersChanged) => void;

/** What is known of a watched order. A new object whenever something has changed. */
export interface OrderSnapshot {
  readonly order: Order | undefined;
  /** Why there is no order, or no fresh one. Undefined while all is well. */
  readonly problem: unknown;
}

interface Watched {
  readonly listeners: Set<OrderListener>;
  readonly observers: Set<() => void>;
  snapshot: OrderSnapshot;
  references: number;
  fetching: boolean;
}

const unknownOrder: OrderSnapshot = { order: undefined, problem: undefined };

/** A page that moves on gives its socket to the next one instead of closing and opening it. */
const lingerMs = 1000;

/**
 * One socket for a whole app. Whoever wants something watches it and gets back how to stop; the socket opens with
 * the first and closes a moment after the last. Listeners hear every message, in sequence, as it arrives.
 */
export class OrderClient {
  readonly #options: OrderClientOptions;
  readonly #machine: Machine;
  readonly #orders = new Map<string, Watched>();
  readonly #listListeners = new Set<ListListener>();
  readonly #stateListeners = new Set<() => void>();
  #state: ConnectionState = { status: 'idle' };
  #socket: Socket | null = null;
  #timer: TimerId | null = null;
  #lingering: TimerId | null = null;
  #stopWaking: (() => void) | null = null;
  #interested = 0;
  #attempt = 0;
  #wasLive = false;
  #closed = false;

  constructor(options: OrderClientOptions) {
    this.#options = options;
    const random = (): number => options.environment.random();
    this.#machine = options.machine ? new Machine(random, options.machine) : new Machine(random);
  }

  // ---- Connection -------------------------------------------------------------------------------

  getState = (): ConnectionState => this.#state;

  /** Calls back after each change of `getState()`. Does not open a connection. */
  onStateChange = (listener: () => void): (() => void) => {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  };

  /** Whether the device thinks that it has a network. */
  isOnline = (): boolean => this.#options.environment.lifecycle.isOnline();

  onOnlineChange = (listener: () => void): (() => void) =>
    this.#options.environment.lifecycle.onOnlineChange(listener);

  /** Tries at once instead of later; also after `refused`, when somebody has signed in again. */
  reconnect = (): void => {
    if (this.#closed || this.#interested === 0) return;
    if (this.#machine.state === 'refused') this.#machine.start(this.#now());
    else this.#machine.onWake(this.#now());
    this.#run();
  };

  /** Hangs up for good: the user has signed out. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
  }

  // ---- Orders -----------------------------------------------------------------------------------

  /** Watches an order: `callback` gets what is known at once, then every newer state, from wherever it comes. */
  watchOrder(orderId: string, callback: OrderListener): () => void {
    const listener: OrderListener = (order) => callback(order); // one function may be registered twice
    const watched = this.#retainOrder(orderId);
    watched.listeners.add(listener);
    const { order } = watched.snapshot;
    if (order !== undefined) this.#tell(() => listener(order));
    return once(() => {
      watched.listeners.delete(listener);
      this.#releaseOrder(orderId, watched);
    });
  }

  /** Like `watchOrder` for those who read `getOrder` themselves: `observer` says that it has changed. */
  observeOrder(orderId: string, observer: () => void): () => void {
    const watched = this.#retainOrder(orderId);
    watched.observers.add(observer);
    if (watched.snapshot.order === undefined) void this.refresh(orderId);
    return once(() => {
      watched.observers.delete(observer);
      this.#releaseOrder(orderId, watched);
    });
  }

  /** What is known of an order that somebody watches. */
  getOrder(orderId: string): OrderSnapshot {
    return this.#orders.get(orderId)?.snapshot ?? unknownOrder;
  }

  /** Hands in an order that came from an HTTP answer. Returns the newest that is known, which may be another. */
  offer(order: Order): Order {
    const watched = this.#orders.get(order.id);
    if (watched === undefined) return order;
    this.#machine.saw(order.id, order.version);
    return this.#accept(watched, order);
  }

  /** Asks for a watched order again. Never rejects: what went wrong is in its snapshot. */
  async refresh(orderId: string): Promise<void> {
    const { fetchOrder } = this.#options;
    const watched = this.#orders.get(orderId);
    if (watched === undefined || fetchOrder === undefined || watched.fetching) return;
    watched.fetching = true;
    try {
      const order = await fetchOrder(orderId);
      if (this.#orders.get(orderId) === watched) this.offer(order);
      this.#note(watched, undefined);
    } catch (problem) {
      this.#note(watched, problem);
    } finally {
      watched.fetching = false;
    }
  }

  /** Watches all orders that this user may see, without their contents. */
  watchList(listener: ListListener): () => void {
    const own: ListListener = (change) => listener(change); // one function may be registered twice
    this.#listListeners.add(own);
    this.#retain();
    return once(() => {
      this.#listListeners.delete(own);
      this.#release();
    });
  }

  // ---- References -------------------------------------------------------------------------------

  #retainOrder(orderId: string): Watched {
    let watched = this.#orders.get(orderId);
    if (watched === undefined) {
      watched = {
        listeners: new Set(),
        observers: new Set(),
        snapshot: unknownOrder,
        references: 0,
        fetching: false,
      };
      this.#orders.set(orderId, watched);
      this.#machine.watch(orderId);
    }
    watched.references += 1;
    this.#retain();
    return watched;
  }

  #releaseOrder(orderId: string, watched: Watched): void {
    watched.references -= 1;
    if (watched.references === 0 && this.#orders.get(orderId) === watched) {
      this.#orders.delete(orderId);
      this.#machine.unwatch(orderId);
    }
    this.#release();
  }

  #retain(): void {
    this.#interested += 1;
    if (this.#lingering !== null) {
      this.#options.environment.timers.clear(this.#lingering);
      this.#lingering = null;
    }
    if (this.#closed) return;
    if (this.#machine.state === 'idle') {
      this.#stopWaking = this.#options.environment.lifecycle.onWake(() => this.#onWake());
      this.#machine.start(this.#now());
    }
    this.#run();
  }

  #release(): void {
    this.#interested -= 1;
    this.#run();
    if (this.#interested > 0 || this.#closed) return;
    this.#lingering = this.#options.environment.timers.set(() => {
      this.#lingering = null;
      this.#stop();
    }, lingerMs);
  }

  #stop(): void {
    this.#stopWaking?.();
    this.#stopWaking = null;
    this.#attempt += 1; // A token that is still on its way is for nobody.
    this.#wasLive = false;
    this.#machine.stop();
    this.#run();
  }

  #onWake(): void {
    this.#machine.onWake(this.#now());
    this.#run();
  }

  // ---- The machine's hands ----------------------------------------------------------------------

  #now(): number {
    return this.#options.environment.now();
  }

  /** Does what the machine wants, sets the timer for its next deadline, and says so if the state has changed. */
  #run(): void {
    for (
      let actions = this.#machine.takeActions();
      actions.length > 0;
      actions = this.#machine.takeActions()
    ) {
      for (const action of actions) this.#perform(action);
    }
    const { timers } = this.#options.environment;
    if (this.#timer !== null) timers.clear(this.#timer);
    const { deadline } = this.#machine;
    this.#timer = Number.isFinite(deadline)
      ? timers.set(
          () => {
            this.#timer = null;
            this.#machine.onTick(this.#now());
            this.#run();
          },
          Math.max(0, deadline - this.#now()),
        )
      : null;
    this.#publishState();
  }

  #perform(action: Action): void {
    switch (action.do) {
      case 'get-token':
        void this.#getToken(action.fresh);
        break;
      case 'open':
        this.#openSocket(action.token);
        break;
      case 'send':
        this.#socket?.send(action.text);
        break;
      case 'close':
        this.#dropSocket(action.code);
        break;
      case 'deliver':
        this.#deliver(action.message);
        break;
      case 'poll':
        this.#poll();
        break;
    }
  }

  async #getToken(fresh: boolean): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    let token: string | null = null;
    let failed = false;
    try {
      token = await this.#options.getToken({ fresh });
    } catch (problem) {
      failed = true;
      this.#report(problem);
    }
    if (attempt !== this.#attempt) return;
    if (failed) this.#machine.onTokenFailed(this.#now());
    else this.#machine.onToken(token, this.#now());
    this.#run();
  }

  #openSocket(token: string): void {
    const { environment, url } = this.#options;
    let socket: Socket;
    try {
      // As a subprotocol and not in the URL: URLs end up in logs.
      socket = environment.openSocket(url, ['ordercast.v1', `bearer.${token}`]);
    } catch (problem) {
      this.#report(problem);
      this.#machine.onClose(1006, '', this.#now());
      return;
    }
    this.#socket = socket;
    // A socket that was dropped may still speak; it is not listened to.
    const current = (handle: () => void): void => {
      if (this.#socket !== socket) return;
      handle();
      this.#run();
    };
    socket.onopen = () => current(() => this.#machine.onOpen(this.#now()));
    socket.onmessage = ({ data }) =>
      current(() => {
        if (typeof data === 'string') this.#machine.onText(data, this.#now());
      });
    socket.onclose = ({ code, reason }) =>
      current(() => {
        this.#socket = null;
        this.#machine.onClose(code, reason, this.#now());
      });
    socket.onerror = null; // `onclose` follows.
  }

  #dropSocket(code: number): void {
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close(code);
  }

  #deliver(message: ServerMessage): void {
    switch (message.type) {
      case 'order:updated': {
        const order = parseOrder(message.data);
        const watched = this.#orders.get(message.orderId);
        if (order === null) this.#report(new Error('The server sent something that is no order'));
        else if (watched !== undefined) this.#accept(watched, order);
        break;
      }
      case 'orders:changed':
        this.#tellLists({ orderId: message.orderId, status: message.status });
        break;
      case 'error': {
        const watched =
          message.orderId === undefined ? undefined : this.#orders.get(message.orderId);
        const problem = new OrderProblem(message.code, message.message);
        if (watched !== undefined) this.#note(watched, problem);
        else this.#report(problem);
        break;
      }
      case 'pong':
        break;
    }
  }

  #poll(): void {
    for (const orderId of this.#orders.keys()) void this.refresh(orderId);
    this.#tellLists();
  }

  /** Keeps `order` if it is newer than what is held, and tells. */
  #accept(watched: Watched, order: Order): Order {
    const newest = newer(watched.snapshot.order, order);
    if (newest !== order) return newest;
    watched.snapshot = { order, problem: undefined };
    for (const listener of [...watched.listeners]) this.#tell(() => listener(order));
    for (const observer of [...watched.observers]) this.#tell(observer);
    return order;
  }

  #note(watched: Watched, problem: unknown): void {
    if (watched.snapshot.problem === problem) return;
    watched.snapshot = { order: watched.snapshot.order, problem };
    for (const observer of [...watched.observers]) this.#tell(observer);
  }

  #tellLists(change?: OrdersChanged): void {
    for (const listener of [...this.#listListeners]) this.#tell(() => listener(change));
  }

  /** One listener that throws keeps nothing from the others. */
  #tell(action: () => void): void {
    try {
      action();
    } catch (problem) {
      this.#report(problem);
    }
  }

  #report(problem: unknown): void {
    this.#options.onProblem?.(problem);
  }

  #publishState(): void {
    const state = this.#describe();
    const before = this.#state;
    if (same(before, state)) return;
    this.#state = state;
    for (const listener of [...this.#stateListeners]) this.#tell(listener);
    if (state.status !== 'live') return;
    // Hints are not repeated: what was missed while away shows only in the list itself.
    if (this.#wasLive) this.#tellLists();
    this.#wasLive = true;
  }

  #describe(): ConnectionState {
    const attempt = this.#machine.failures;
    switch (this.#machine.state) {
      case 'idle':
        return { status: 'idle' };
      case 'connecting':
        return { status: 'connecting', attempt };
      case 'open':
        return { status: 'live' };
      case 'waiting':
        return { status: 'waiting', attempt, retryAt: this.#machine.retryAt };
      case 'refused':
        return { status: 'refused', reason: this.#machine.reason };
    }
  }
}

/** The server's `error` message on an order, `subscription_denied` for one. */
export class OrderProblem extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'OrderProblem';
    this.code = code;
  }
}

function same(a: ConnectionState, b: ConnectionState): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}
