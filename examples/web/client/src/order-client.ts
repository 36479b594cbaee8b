// SPDX-License-Identifier: MIT

import { ApiError } from './api.ts';
import { encode } from './codec.ts';
import { type Environment, type Socket, type TimerId, withDeadline } from './environment.ts';
import { type Input, Machine, type MachineOptions, type Output } from './machine.ts';
import { newer } from './order-rules.ts';
import { type ConnectionState, closeCodes, type Order, type OrdersChanged } from './types.ts';
import { parseOrder } from './validate.ts';

export interface OrderClientOptions {
  /** The endpoint, "wss://orders.example/ws". */
  readonly url: string;
  /** The access token; a new one when `fresh`. Null: nobody is signed in. Throws when it can't ask. */
  readonly getToken: (request: { fresh: boolean }) => Promise<string | null>;
  /** Asks for one order over HTTP: when it is first watched, and every minute while not live. */
  readonly fetchOrder?: (orderId: string) => Promise<Order>;
  /** How long the token of `getToken` is good for a connect; null where that is not known. It is then asked for again. */
  readonly tokenExpiresInMs?: () => number | null;
  readonly environment: Environment;
  /** Told what went wrong without stopping anything: a message that is no order, a listener that throws. */
  readonly onProblem?: (problem: unknown) => void;
  readonly machine?: Partial<MachineOptions>;
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
  /** That of the client when the order came. */
  generation: number;
  references: number;
  fetching: boolean;
}

const unknownOrder: OrderSnapshot = { order: undefined, problem: undefined };

/** A page that moves on gives its socket to the next one instead of closing and opening it. */
const lingerMs = 1000;

/** Longer than a call of `OrderApi` with a renewal in it, and its last resort. */
const fetchTimeoutMs = 60_000;

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
  readonly #inputs: Input[] = [];
  #state: ConnectionState = { status: 'idle' };
  #socket: Socket | null = null;
  #timer: TimerId | null = null;
  #lingering: TimerId | null = null;
  #stopListening: (() => void) | null = null;
  #generation = 0;
  #interested = 0;
  /** Numbers the questions for a token: only the newest one's answer counts. */
  #question = 0;
  #closed = false;

  constructor(options: OrderClientOptions) {
    this.#options = options;
    this.#machine = new Machine(() => options.environment.random(), options.machine);
  }

  // ---- Connection -------------------------------------------------------------------------------

  getState = (): ConnectionState => this.#state;

  /** Calls back after each change of `getState()`. Does not open a connection. */
  onStateChange = (listener: () => void): (() => void) => {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  };

  /** The time by which `ConnectionState.retryAt` is meant. */
  now = (): number => this.#options.environment.now();

  /**
   * Grows when the server's store has become another one, restored from a backup: versions from before can't be
   * compared with what comes. The list is told then, too.
   */
  get generation(): number {
    return this.#generation;
  }

  /** Whether the device thinks that it has a network. */
  isOnline = (): boolean => this.#options.environment.lifecycle.isOnline();

  onOnlineChange = (listener: () => void): (() => void) =>
    this.#options.environment.lifecycle.onOnlineChange(listener);

  /** Tries at once instead of later; also after `refused`, when somebody has signed in again. */
  reconnect = (): void => {
    if (this.#closed || this.#interested === 0) return;
    if (this.#machine.state === 'refused') void this.#getToken(true);
    else this.#feed({ type: 'wake' });
  };

  /** Hangs up for good: the user has signed out. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#lingering !== null) this.#options.environment.timers.clear(this.#lingering);
    this.#stop();
  }

  // ---- Orders -----------------------------------------------------------------------------------

  /**
   * Watches an order: `callback` gets what is known at once, then every newer state, from wherever it comes. Who has
   * the order already hands it in as `known`, and the server sends it only if it has a newer one.
   */
  watchOrder(orderId: string, callback: OrderListener, known?: Order): () => void {
    const listener: OrderListener = (order) => callback(order); // one function may be registered twice
    const watched = this.#retainOrder(orderId, known);
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
    // Who may read it may watch it: a denial from before is over.
    this.#feed({ type: 'subscribe', orderId: order.id, version: this.#versionOf(watched) });
    this.#feed({ type: 'fetched', orderId: order.id, data: { ...order } });
    return newer(watched.snapshot.order, order);
  }

  /** Asks for a watched order again, by both ways. Never rejects: what went wrong is in its snapshot. */
  async refresh(orderId: string): Promise<void> {
    // A subscription that was denied has ended; one that is held is not sent again.
    const watched = this.#orders.get(orderId);
    if (watched !== undefined) {
      this.#feed({ type: 'subscribe', orderId, version: this.#versionOf(watched) });
    }
    await this.#fetch(orderId);
  }

  /** The version that listeners have, by the store of now. */
  #versionOf({ snapshot, generation }: Watched): number {
    return generation === this.#generation ? (snapshot.order?.version ?? 0) : 0;
  }

  async #fetch(orderId: string): Promise<void> {
    const { fetchOrder } = this.#options;
    const watched = this.#orders.get(orderId);
    if (watched === undefined || fetchOrder === undefined || watched.fetching) return;
    watched.fetching = true;
    try {
      const order = await this.#inTime(fetchOrder(orderId));
      if (this.#orders.get(orderId) === watched) this.offer(order);
      this.#note(watched, undefined);
    } catch (problem) {
      this.#note(watched, problem);
    } finally {
      watched.fetching = false;
    }
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    const { timers } = this.#options.environment;
    return withDeadline(work, { timers, timeoutMs: fetchTimeoutMs }, () => {
      return new ApiError(0, 'Timeout', 'The server does not answer');
    });
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

  #retainOrder(orderId: string, known?: Order): Watched {
    let watched = this.#orders.get(orderId);
    if (watched === undefined) {
      watched = {
        listeners: new Set(),
        observers: new Set(),
        snapshot: known === undefined ? unknownOrder : { order: known, problem: undefined },
        generation: this.#generation,
        references: 0,
        fetching: false,
      };
      this.#orders.set(orderId, watched);
      this.#feed({ type: 'subscribe', orderId, version: known?.version ?? 0 });
    } else if (known !== undefined) {
      this.offer(known);
    }
    watched.references += 1;
    this.#retain();
    return watched;
  }

  #releaseOrder(orderId: string, watched: Watched): void {
    watched.references -= 1;
    if (watched.references === 0 && this.#orders.get(orderId) === watched) {
      this.#orders.delete(orderId);
      this.#feed({ type: 'unsubscribe', orderId });
    }
    this.#release();
  }

  #retain(): void {
    this.#interested += 1;
    if (this.#lingering !== null) {
      this.#options.environment.timers.clear(this.#lingering);
      this.#lingering = null;
    }
    if (this.#closed || this.#stopListening !== null) return;
    const { lifecycle } = this.#options.environment;
    const tellPresence = (): void => {
      const visible = lifecycle.isVisible?.();
      if (visible !== undefined) this.#feed({ type: 'presence', visible });
    };
    const stops = [
      lifecycle.onWake(() => this.#feed({ type: 'wake' })),
      lifecycle.onVisibleChange?.(tellPresence),
    ];
    this.#stopListening = () => {
      for (const stop of stops) stop?.();
    };
    tellPresence();
    this.#feed({ type: 'start' });
  }

  #release(): void {
    this.#interested -= 1;
    if (this.#interested > 0 || this.#closed) return;
    this.#lingering = this.#options.environment.timers.set(() => {
      this.#lingering = null;
      this.#stop();
    }, lingerMs);
  }

  #stop(): void {
    this.#stopListening?.();
    this.#stopListening = null;
    this.#question += 1;
    this.#feed({ type: 'stop' });
  }

  // ---- The machine's hands ----------------------------------------------------------------------

  #now(): number {
    return this.#options.environment.now();
  }

  /**
   * Tells the machine, does what it wants, sets its timer, and says so if the state has changed. What a listener
   * tells meanwhile waits for its turn, so that all is done in the machine's sequence.
   */
  #feed(input: Input): void {
    this.#inputs.push(input);
    if (this.#inputs.length > 1) return;
    for (let next = this.#inputs[0]; next !== undefined; next = this.#inputs[0]) {
      // Whatever throws is told and keeps nothing from happening: a machine that stands still would look live.
      const input = next;
      this.#tell(() => {
        for (const output of this.#machine.on(input, this.#now())) {
          this.#tell(() => this.#perform(output));
        }
      });
      this.#tell(() => this.#setTimer());
      this.#tell(() => this.#publishState());
      this.#inputs.shift();
    }
  }

  #setTimer(): void {
    const { timers } = this.#options.environment;
    if (this.#timer !== null) timers.clear(this.#timer);
    this.#timer = null;
    const at = this.#machine.timer;
    if (at === null) return;
    this.#timer = timers.set(
      () => {
        this.#timer = null;
        this.#feed({ type: 'timer' });
      },
      Math.max(0, at - this.#now()),
    );
  }

  #perform(output: Output): void {
    switch (output.type) {
      case 'need_token':
        void this.#getToken(output.reason === 'rejected');
        break;
      case 'connect':
        this.#openSocket(output.connection, output.token);
        break;
      case 'send':
        this.#send(output);
        break;
      case 'close':
        this.#dropSocket(output.code);
        break;
      case 'order':
        this.#accept(output.orderId, output.data);
        break;
      case 'changed':
        this.#tellLists({ orderId: output.orderId, status: output.status });
        break;
      case 'error':
        this.#complain(output.orderId, new OrderProblem(output.code, output.message));
        break;
      case 'epoch':
        this.#forgetVersions();
        break;
      case 'poll':
        this.#refreshAll(output.reason === 'opened');
        this.#tellLists();
        break;
      case 'state': // Published once all is done.
      case 'ignored':
        break;
    }
  }

  async #getToken(fresh: boolean): Promise<void> {
    this.#question += 1;
    const question = this.#question;
    let answer: Input;
    try {
      const token = await this.#options.getToken({ fresh });
      const leftMs = this.#options.tokenExpiresInMs?.() ?? Number.POSITIVE_INFINITY;
      answer =
        token === null
          ? { type: 'token_refused' }
          : { type: 'token', token, renewAt: this.#now() + leftMs };
    } catch (problem) {
      answer = { type: 'token_failed' };
      this.#report(problem);
    }
    if (question === this.#question) this.#feed(answer);
  }

  #openSocket(connection: number, token: string): void {
    const { environment, url } = this.#options;
    let socket: Socket;
    try {
      // As a subprotocol and not in the URL: URLs end up in logs.
      socket = environment.openSocket(url, ['ordercast.v2', 'ordercast.v1', `bearer.${token}`]);
    } catch (problem) {
      this.#report(problem);
      environment.timers.set(
        () => this.#feed({ type: 'closed', connection, code: 1006, reason: '' }),
        0,
      );
      return;
    }
    this.#socket = socket;
    // What a socket still says after it was given up is void: the machine knows it by its number.
    socket.onopen = () => this.#feed({ type: 'opened', connection });
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') this.#feed({ type: 'message', connection, text: data });
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#socket = null;
      this.#feed({ type: 'closed', connection, code, reason });
    };
    socket.onerror = null; // `onclose` follows.
  }

  #send({ connection, message }: Extract<Output, { type: 'send' }>): void {
    const socket = this.#socket;
    if (socket === null) return;
    try {
      socket.send(encode(message));
    } catch (problem) {
      // A socket that takes nothing is of no use, whatever it thinks of itself.
      this.#report(problem);
      this.#dropSocket(closeCodes.givenUp);
      this.#feed({ type: 'closed', connection, code: 1006, reason: '' });
      return;
    }
    if (message.type === 'subscribe') this.#fetchIfUnavailable(message.orderId);
  }

  /** Asked again for what the server could not tell: by the other way as well, which shows when all is well. */
  #fetchIfUnavailable(orderId: string): void {
    const problem = this.#orders.get(orderId)?.snapshot.problem;
    if (problem instanceof OrderProblem && problem.isTemporary) void this.#fetch(orderId);
  }

  #dropSocket(code: number): void {
    const socket = this.#socket;
    this.#socket = null;
    try {
      socket?.close(code);
    } catch (problem) {
      this.#report(problem);
    }
  }

  // ---- Telling ----------------------------------------------------------------------------------

  /** A new connection brings what was missed of each order; only what could not be fetched is asked for again. */
  #refreshAll(onlyProblems: boolean): void {
    for (const [orderId, { snapshot }] of this.#orders) {
      if (!onlyProblems || snapshot.problem !== undefined) void this.#fetch(orderId);
    }
  }

  /** The machine has let it through: it is newer than what is held. */
  #accept(orderId: string, data: unknown): void {
    const order = parseOrder(data);
    const watched = this.#orders.get(orderId);
    if (order === null || order.id !== orderId) {
      this.#report(new Error('The server sent something that is no order'));
      return;
    }
    if (watched === undefined) return;
    watched.snapshot = { order, problem: undefined };
    watched.generation = this.#generation;
    for (const listener of [...watched.listeners]) this.#tell(() => listener(order));
    for (const observer of [...watched.observers]) this.#tell(observer);
  }

  /** What is shown stays until the new store's state of it comes; nothing is compared with it any more. */
  #forgetVersions(): void {
    this.#generation += 1;
    this.#tellLists();
  }

  #complain(orderId: string, problem: OrderProblem): void {
    const watched = this.#orders.get(orderId);
    if (watched !== undefined) this.#note(watched, problem);
    else this.#report(problem);
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
    try {
      this.#options.onProblem?.(problem);
    } catch {
      // Who is told of problems must not make one.
    }
  }

  #publishState(): void {
    const state = this.#describe();
    const before = this.#state;
    if (same(before, state)) return;
    this.#state = state;
    for (const listener of [...this.#stateListeners]) this.#tell(listener);
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
        return { status: 'refused' };
    }
  }
}

/** The server's `error` message on an order, `subscription_denied` or `unavailable` for one. */
export class OrderProblem extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'OrderProblem';
    this.code = code;
  }

  /** Whether it is asked for again by itself. Else `refresh` is what asks again. */
  get isTemporary(): boolean {
    return this.code === 'unavailable' || this.code === 'rate_limited';
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
