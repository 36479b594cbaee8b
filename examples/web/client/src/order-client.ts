// SPDX-License-Identifier: MIT

import type { Environment } from './environment';
import type { Input, MachineOptions, Output } from './machine';
import { Interest } from './order-client/interest';
import { feedLifecycle } from './order-client/lifecycle-inputs';
import { MachineRunner } from './order-client/machine-runner';
import { MachineSocket } from './order-client/machine-socket';
import { OrderFetches } from './order-client/order-fetches';
import { OrderProblem } from './order-client/order-problem';
import { TokenRequests } from './order-client/token-requests';
import {
  type OrderListener,
  type OrderSnapshot,
  unknownOrder,
  WatchedOrder,
} from './order-client/watched-order';
import { newer } from './order-rules';
import { type Report, reportTo, runReporting } from './report';
import type { ClientMessage, ConnectionState, Order, OrdersChanged } from './types';
import { parseOrder } from './validate';

export { OrderProblem } from './order-client/order-problem';
export type { OrderListener, OrderSnapshot } from './order-client/watched-order';

export interface OrderClientOptions {
  /** The endpoint, "wss://orders.example/ws". */
  readonly url: string;
  /** Returns the access token; a new one if `fresh`; null if no user is signed in. Throws if the server can't be reached. */
  readonly getToken: (request: { fresh: boolean }) => Promise<string | null>;
  /** Fetches one order over HTTP: when it is first watched, and every minute while not live. */
  readonly fetchOrder?: (orderId: string) => Promise<Order>;
  /** How long the token of `getToken` may be used to connect; after that, the client calls `getToken` again. Null if unknown. */
  readonly tokenExpiresInMs?: () => number | null;
  readonly environment: Environment;
  /** Called with non-fatal problems: a message that is not an order, a listener that throws. */
  readonly onProblem?: (problem: unknown) => void;
  readonly machine?: Partial<MachineOptions>;
}

/** Called with the hint, or without one if anything may have changed: after a reconnect, and to poll. */
export type ListListener = (change?: OrdersChanged) => void;

/**
 * One socket for a whole app. Each `watch` function returns a function that stops watching. The socket opens with the
 * first watch and closes a moment after the last one. Listeners get every message, in order, as it arrives.
 */
export class OrderClient {
  readonly #options: OrderClientOptions;
  readonly #report: Report;
  readonly #runner: MachineRunner;
  readonly #socket: MachineSocket;
  readonly #tokens: TokenRequests;
  readonly #fetches: OrderFetches;
  readonly #interest: Interest;
  readonly #orders = new Map<string, WatchedOrder>();
  readonly #listListeners = new Set<ListListener>();
  #stopListening: (() => void) | null = null;
  #generation = 0;

  constructor(options: OrderClientOptions) {
    const { environment, url, machine, fetchOrder } = options;
    const { timers } = environment;
    const report = reportTo((problem) => options.onProblem?.(problem));
    const feed = (input: Input): void => this.#runner.feed(input);
    this.#options = options;
    this.#report = report;
    this.#runner = new MachineRunner({
      environment,
      machine,
      perform: (output) => this.#perform(output),
      report,
    });
    this.#socket = new MachineSocket({ url, environment, feed, report });
    this.#tokens = new TokenRequests({
      getToken: (request) => options.getToken(request),
      tokenExpiresInMs: () => options.tokenExpiresInMs?.() ?? null,
      now: this.now,
      feed,
      report,
    });
    this.#fetches = new OrderFetches({
      fetchOrder,
      timers,
      onFetched: (watched, order) => {
        if (this.#orders.get(watched.id) === watched) this.offer(order);
      },
    });
    this.#interest = new Interest({
      timers,
      start: () => this.#start(),
      stop: () => this.#stop(),
    });
  }

  // ---- Connection -------------------------------------------------------------------------------

  getState = (): ConnectionState => this.#runner.getState();

  /** Calls back after each change of `getState()`. Does not open a connection. */
  onStateChange = (listener: () => void): (() => void) => this.#runner.onStateChange(listener);

  /** The clock of `ConnectionState.retryAt`. */
  now = (): number => this.#options.environment.now();

  /**
   * Grows when the server's store is replaced, for example by a backup: versions from before can't be compared with
   * later ones. List listeners are called then, too.
   */
  get generation(): number {
    return this.#generation;
  }

  /** True if the device believes that it has a network. */
  isOnline = (): boolean => this.#options.environment.lifecycle.isOnline();

  onOnlineChange = (listener: () => void): (() => void) =>
    this.#options.environment.lifecycle.onOnlineChange(listener);

  /** Connects at once instead of later. Also call it after `refused`, when a user has signed in again. */
  reconnect = (): void => {
    if (!this.#interest.isActive) return;
    if (this.#runner.isRefused) void this.#tokens.ask(true);
    else this.#runner.feed({ type: 'wake' });
  };

  /** Disconnects for good: the user has signed out. */
  close(): void {
    this.#interest.close();
  }

  #start(): void {
    const feed = (input: Input): void => this.#runner.feed(input);
    this.#stopListening = feedLifecycle(this.#options.environment.lifecycle, feed);
    feed({ type: 'start' });
  }

  #stop(): void {
    this.#stopListening?.();
    this.#stopListening = null;
    this.#tokens.cancel();
    this.#runner.feed({ type: 'stop' });
  }

  // ---- Watching ---------------------------------------------------------------------------------

  /**
   * Watches an order: calls `callback` at once with the known state, then with every newer state from any source. If
   * the caller has the order already, pass it as `known`; then the server sends only newer states.
   */
  watchOrder(orderId: string, callback: OrderListener, known?: Order): () => void {
    const listener: OrderListener = (order) => callback(order); // one function may be registered twice
    const watched = this.#retainOrder(orderId, known);
    watched.listeners.add(listener);
    const { order } = watched.snapshot;
    if (order !== undefined) runReporting(this.#report, () => listener(order));
    return once(() => {
      watched.listeners.delete(listener);
      this.#releaseOrder(watched);
    });
  }

  /** Like `watchOrder`, for callers that read `getOrder` themselves: calls `observer` when it has changed. */
  observeOrder(orderId: string, observer: () => void): () => void {
    const watched = this.#retainOrder(orderId);
    watched.observers.add(observer);
    if (watched.snapshot.order === undefined) void this.refresh(orderId);
    return once(() => {
      watched.observers.delete(observer);
      this.#releaseOrder(watched);
    });
  }

  /** Watches all orders that this user may see, without their contents. */
  watchList(listener: ListListener): () => void {
    const own: ListListener = (change) => listener(change); // one function may be registered twice
    this.#listListeners.add(own);
    this.#interest.retain();
    return once(() => {
      this.#listListeners.delete(own);
      this.#interest.release();
    });
  }

  #retainOrder(orderId: string, known?: Order): WatchedOrder {
    let watched = this.#orders.get(orderId);
    if (watched === undefined) {
      watched = new WatchedOrder(orderId, known, this.#generation, this.#report);
      this.#orders.set(orderId, watched);
      this.#runner.feed({ type: 'subscribe', orderId, version: known?.version ?? 0 });
    } else if (known !== undefined) {
      this.offer(known);
    }
    watched.retain();
    this.#interest.retain();
    return watched;
  }

  #releaseOrder(watched: WatchedOrder): void {
    if (watched.release() && this.#orders.get(watched.id) === watched) {
      this.#orders.delete(watched.id);
      this.#runner.feed({ type: 'unsubscribe', orderId: watched.id });
    }
    this.#interest.release();
  }

  // ---- Orders -----------------------------------------------------------------------------------

  /** The known state of a watched order. */
  getOrder(orderId: string): OrderSnapshot {
    return this.#orders.get(orderId)?.snapshot ?? unknownOrder;
  }

  /** Takes an order from an HTTP answer. Returns the newest known state, which may be a different one. */
  offer(order: Order): Order {
    const watched = this.#orders.get(order.id);
    if (watched === undefined) return order;
    this.#subscribeAgain(watched); // A user who may read it may watch it, so forget an earlier denial.
    this.#runner.feed({ type: 'fetched', orderId: order.id, data: { ...order } });
    return newer(watched.snapshot.order, order);
  }

  /** Asks for a watched order again, over the socket and over HTTP. Never rejects: the snapshot holds the problem. */
  async refresh(orderId: string): Promise<void> {
    const watched = this.#orders.get(orderId);
    if (watched === undefined) return;
    this.#subscribeAgain(watched);
    if (this.#orders.get(orderId) === watched) await this.#fetches.fetch(watched);
  }

  /** Renews a subscription that was denied. Does not resend one that is held. */
  #subscribeAgain(watched: WatchedOrder): void {
    const version = watched.version(this.#generation);
    this.#runner.feed({ type: 'subscribe', orderId: watched.id, version });
  }

  /** A new connection delivers missed changes of each order, so this fetches only failed orders. */
  #fetchAll(onlyProblems: boolean): void {
    for (const watched of this.#orders.values()) {
      if (!onlyProblems || watched.snapshot.problem !== undefined)
        void this.#fetches.fetch(watched);
    }
  }

  /** Also fetches orders that the server could not answer for, to find out when it recovers. */
  #fetchIfUnavailable(orderId: string): void {
    const watched = this.#orders.get(orderId);
    const problem = watched?.snapshot.problem;
    if (watched !== undefined && problem instanceof OrderProblem && problem.isTemporary) {
      void this.#fetches.fetch(watched);
    }
  }

  // ---- The machine's outputs --------------------------------------------------------------------

  #perform(output: Output): void {
    switch (output.type) {
      case 'need_token':
        void this.#tokens.ask(output.reason === 'rejected');
        break;
      case 'connect':
        this.#socket.open(output.connection, output.token);
        break;
      case 'send':
        this.#send(output.message);
        break;
      case 'close':
        this.#socket.close(output.code);
        break;
      case 'order':
        this.#accept(output.orderId, output.data);
        break;
      case 'changed':
        this.#tellLists({ orderId: output.orderId, status: output.status });
        break;
      case 'error':
        this.#onProblem(output.orderId, new OrderProblem(output.code, output.message));
        break;
      case 'epoch':
        // Keep the shown state until the new store's arrives, but stop comparing versions with it.
        this.#generation += 1;
        this.#tellLists();
        break;
      case 'poll':
        this.#fetchAll(output.reason === 'opened');
        this.#tellLists();
        break;
      case 'state': // The runner publishes it after all outputs.
      case 'ignored':
        break;
    }
  }

  #send(message: ClientMessage): void {
    const isSent = this.#socket.send(message);
    if (!isSent || message.type !== 'subscribe') return;
    const orders = 'orders' in message ? message.orders : [message];
    for (const { orderId } of orders) this.#fetchIfUnavailable(orderId);
  }

  /** Takes an order that is newer than the watchers' one, as the machine has found. */
  #accept(orderId: string, data: unknown): void {
    const order = parseOrder(data);
    if (order === null || order.id !== orderId) {
      this.#report(new Error('The server sent something that is not an order'));
      return;
    }
    this.#orders.get(orderId)?.accept(order, this.#generation);
  }

  #onProblem(orderId: string, problem: OrderProblem): void {
    const watched = this.#orders.get(orderId);
    if (watched !== undefined) watched.setProblem(problem);
    else this.#report(problem);
  }

  #tellLists(change?: OrdersChanged): void {
    for (const listener of [...this.#listListeners]) {
      runReporting(this.#report, () => listener(change));
    }
  }
}

/** Runs `action` on the first call only. */
function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}
