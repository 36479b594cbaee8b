// SPDX-License-Identifier: MIT

import { Backoff, retryAfterOf } from './backoff.ts';
import { decode } from './codec.ts';
import { type ClientMessage, closeCodes, type ServerMessage } from './types.ts';
import { isOrderId } from './validate.ts';

/**
 * One connection's life as a state machine without I/O: inputs go in, with the time in milliseconds; outputs come
 * out. The same machine is written in C++ (`include/ordercast/client`); `tests/vectors` fixes what both do, and its
 * README says it in words.
 */

/** `connecting`: a token is asked for, a socket opens, or an open one has not answered yet. */
export type MachineState = 'idle' | 'connecting' | 'open' | 'waiting' | 'refused';

export interface MachineOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly connectTimeoutMs: number;
  readonly tokenTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly pongTimeoutMs: number;
  /** The pong's deadline when somebody has just come back and is looking. */
  readonly probeTimeoutMs: number;
  /** How long a connection has to stay open to prove good. */
  readonly stableMs: number;
  /** Waking makes no more than one attempt in this time. */
  readonly wakeFloorMs: number;
  /** A timer that comes later than this tells nothing about the server: it was us who slept. */
  readonly lateMs: number;
  readonly pollIntervalMs: number;
  readonly resyncMs: number;
  readonly maxRetryAfterMs: number;
  readonly maxSubscriptions: number;
  readonly maxRemembered: number;
}

export const defaultMachineOptions: MachineOptions = {
  baseMs: 1000,
  maxMs: 30_000,
  connectTimeoutMs: 10_000,
  tokenTimeoutMs: 30_000,
  pingIntervalMs: 25_000,
  pongTimeoutMs: 10_000,
  probeTimeoutMs: 5000,
  stableMs: 5000,
  wakeFloorMs: 1000,
  lateMs: 1000,
  pollIntervalMs: 60_000,
  resyncMs: 5000,
  maxRetryAfterMs: 300_000,
  maxSubscriptions: 100,
  maxRemembered: 100,
};

type OrderData = Readonly<Record<string, unknown>>;

export type Input =
  | { readonly type: 'start'; readonly token?: string; readonly renewAt?: number }
  | { readonly type: 'stop' }
  | { readonly type: 'token'; readonly token: string; readonly renewAt?: number }
  | { readonly type: 'token_failed' }
  | { readonly type: 'token_refused' }
  | { readonly type: 'opened'; readonly connection: number }
  | { readonly type: 'message'; readonly connection: number; readonly text: string }
  | {
      readonly type: 'closed';
      readonly connection: number;
      readonly code: number;
      readonly reason: string;
    }
  | { readonly type: 'timer' }
  | { readonly type: 'wake' }
  | { readonly type: 'presence'; readonly visible: boolean }
  | { readonly type: 'subscribe'; readonly orderId: string; readonly version: number }
  | { readonly type: 'unsubscribe'; readonly orderId: string }
  | {
      readonly type: 'fetched';
      readonly orderId: string;
      readonly data: OrderData & { readonly version: number };
    };

export type TokenReason = 'missing' | 'rejected' | 'expiring';

export type Output =
  | { readonly type: 'state'; readonly state: MachineState; readonly retryAt?: number }
  | { readonly type: 'connect'; readonly connection: number; readonly token: string }
  | { readonly type: 'send'; readonly connection: number; readonly message: ClientMessage }
  | { readonly type: 'close'; readonly connection: number; readonly code: number }
  | { readonly type: 'need_token'; readonly reason: TokenReason }
  | {
      readonly type: 'order';
      readonly orderId: string;
      readonly version: number;
      readonly data: OrderData;
    }
  | { readonly type: 'changed'; readonly orderId: string; readonly status: string }
  | {
      readonly type: 'error';
      readonly code: string;
      readonly message: string;
      readonly orderId: string;
    }
  | { readonly type: 'epoch'; readonly epoch: string }
  | { readonly type: 'poll'; readonly reason: 'opened' | 'fallback' }
  | {
      readonly type: 'ignored';
      readonly reason: 'stale' | 'unsubscribed' | 'unknown' | 'invalid';
    };

interface Subscription {
  /** What the application has. */
  version: number;
  /** The newest ever seen, when the order was watched before. */
  floor: number;
  /** When to ask again for what the server could not tell; never when there is nothing to ask. */
  againAt: number;
  backoff: Backoff | null;
}

const never = Number.POSITIVE_INFINITY;

const slowCodes: readonly number[] = [
  closeCodes.policy,
  closeCodes.tooManyConnections,
  closeCodes.tooSlow,
];

export class Machine {
  readonly #options: MachineOptions;
  readonly #draw: () => number;
  readonly #backoff: Backoff;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Versions of orders that are no longer watched, the one left first at the front. */
  readonly #remembered = new Map<string, number>();
  #outputs: Output[] = [];
  #state: MachineState = 'idle';

  #token: string | null = null;
  /** Since the last good connection a token was asked for because of a 4001. */
  #rejected = false;
  #asking: TokenReason | null = null;
  /** From then on the token is not used for a connect without asking for a newer one. */
  #renewAt = never;

  /** The current connection's number while there is one. */
  #connection: number | null = null;
  #connections = 0;
  #usedToken: string | null = null;
  #socketOpen = false;
  #openSince = never;
  #lastAttempt = -never;
  #lastPing = -never;
  #hold = -never;
  /** A late timer was forgiven since the server was last heard. */
  #forgiven = false;

  /** Of the store that the versions are from; null until a server has said it. */
  #epoch: string | null = null;
  /** The server has said hello on this connection, so it knows `presence`. */
  #greeted = false;
  #visible = false;

  // Deadlines. At most one of the first two is set.
  #tokenBy = never;
  #connectBy = never;
  #retryAt = never;
  #pongBy = never;
  #pingAt = never;
  #resyncAt = never;
  #pollAt = never;

  /** `draw` gives a number from 0 up to, not including, 1. */
  constructor(draw: () => number, options: Partial<MachineOptions> = {}) {
    this.#options = { ...defaultMachineOptions, ...options };
    this.#draw = draw;
    this.#backoff = new Backoff(this.#options);
  }

  get state(): MachineState {
    return this.#state;
  }

  /** When the next attempt is made; only while `waiting`. */
  get retryAt(): number {
    return this.#retryAt;
  }

  /** Attempts that failed since a connection last proved good. */
  get failures(): number {
    return this.#backoff.failures;
  }

  /** When the machine wants the input `timer` next; null for never. */
  get timer(): number | null {
    const next = Math.min(
      this.#tokenBy,
      this.#connectBy,
      this.#retryAt,
      this.#pongBy,
      this.#pingAt,
      this.#resyncAt,
      this.#pollAt,
      ...[...this.#subscriptions.values()].map(({ againAt }) => againAt),
    );
    return next === never ? null : next;
  }

  /** Takes one input and returns what to do, in sequence. */
  on(input: Input, now: number): readonly Output[] {
    this.#take(input, now);
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  #take(input: Input, now: number): void {
    switch (input.type) {
      case 'start':
        if (this.#state !== 'idle') return;
        if (input.token !== undefined) this.#setToken(input.token, input.renewAt);
        this.#attempt(now);
        return;
      case 'stop':
        this.#onStop();
        return;
      case 'token':
        this.#setToken(input.token, input.renewAt);
        this.#onToken(input.token, now);
        return;
      case 'token_failed':
        if (this.#asking !== null) this.#fail(now, false, null);
        return;
      case 'token_refused':
        if (this.#asking !== null) this.#refuse();
        return;
      case 'subscribe':
        this.#onSubscribe(input.orderId, input.version);
        return;
      case 'unsubscribe':
        this.#onUnsubscribe(input.orderId);
        return;
      case 'fetched':
        this.#gate(input.orderId, input.data.version, input.data);
        return;
      case 'wake':
        this.#onWake(now);
        return;
      case 'presence':
        this.#onPresence(input.visible);
        return;
      case 'timer':
        this.#onTimer(now);
        return;
      default:
        // What an old connection still says is void.
        if (input.connection === this.#connection) this.#onConnection(input, now);
    }
  }

  #onConnection(input: Extract<Input, { connection: number }>, now: number): void {
    switch (input.type) {
      case 'opened':
        if (this.#socketOpen) return;
        this.#socketOpen = true;
        this.#subscribeAll();
        this.#ping(now); // Its answer proves that the token was good.
        return;
      case 'message':
        if (this.#socketOpen) this.#onText(input.text, now);
        return;
      case 'closed':
        this.#onClosed(input.code, input.reason, now);
    }
  }

  // ---- Tokens and attempts ----------------------------------------------------------------------

  #attempt(now: number): void {
    this.#lastAttempt = now;
    this.#retryAt = never;
    this.#enter('connecting', now);
    if (this.#token === null) this.#ask(this.#rejected ? 'rejected' : 'missing', now);
    else if (now >= this.#renewAt) this.#ask('expiring', now);
    else this.#connect(this.#token, now);
  }

  #setToken(token: string, renewAt: number = never): void {
    this.#token = token;
    this.#renewAt = renewAt;
  }

  #ask(reason: TokenReason, now: number): void {
    this.#asking = reason;
    this.#tokenBy = now + this.#options.tokenTimeoutMs;
    this.#outputs.push({ type: 'need_token', reason });
  }

  #connect(token: string, now: number): void {
    this.#connections += 1;
    this.#connection = this.#connections;
    this.#usedToken = token;
    this.#asking = null;
    this.#tokenBy = never;
    this.#forgiven = false;
    this.#connectBy = now + this.#options.connectTimeoutMs;
    this.#outputs.push({ type: 'connect', connection: this.#connection, token });
  }

  #onToken(token: string, now: number): void {
    if (this.#asking !== null) {
      this.#connect(token, now);
    } else if (this.#state === 'refused') {
      this.#backoff.reset();
      this.#attempt(now);
    }
  }

  #onStop(): void {
    this.#token = null;
    if (this.#state === 'idle') return;
    this.#closeSocket(closeCodes.normal);
    this.#leaveConnection();
    this.#backoff.reset();
    this.#rejected = false;
    this.#hold = -never;
    this.#retryAt = never;
    this.#enter('idle', 0);
  }

  #onClosed(code: number, reason: string, now: number): void {
    const used = this.#usedToken;
    this.#end(now);
    if (code !== closeCodes.unauthorized) {
      const retryAfterMs = retryAfterOf(code, reason, this.#options.maxRetryAfterMs);
      this.#backOff(now, slowCodes.includes(code), retryAfterMs);
      return;
    }
    if (this.#rejected) {
      this.#refuse();
      return;
    }
    this.#rejected = true;
    this.#enter('connecting', now);
    if (this.#token !== null && this.#token !== used) {
      this.#connect(this.#token, now);
    } else {
      this.#token = null;
      this.#ask('rejected', now);
    }
  }

  #refuse(): void {
    this.#token = null;
    this.#leaveConnection();
    this.#enter('refused', 0);
  }

  /** The end of a connection, or of the attempt to get one. */
  #fail(now: number, slow: boolean, retryAfterMs: number | null): void {
    this.#end(now);
    this.#backOff(now, slow, retryAfterMs);
  }

  #end(now: number): void {
    if (this.#state === 'open' && now - this.#openSince >= this.#options.stableMs) {
      this.#backoff.reset();
      this.#rejected = false;
    }
    this.#leaveConnection();
  }

  #backOff(now: number, slow: boolean, retryAfterMs: number | null): void {
    const delay = this.#backoff.next({ draw: this.#draw(), slow, retryAfterMs });
    this.#retryAt = now + delay;
    this.#hold = -never;
    if (slow) this.#hold = this.#retryAt;
    else if (retryAfterMs !== null) this.#hold = now + retryAfterMs;
    this.#enter('waiting', now);
  }

  #closeSocket(code: number): void {
    if (this.#connection === null) return;
    this.#outputs.push({ type: 'close', connection: this.#connection, code });
  }

  #leaveConnection(): void {
    this.#connection = null;
    this.#usedToken = null;
    this.#socketOpen = false;
    this.#asking = null;
    this.#tokenBy = never;
    this.#connectBy = never;
    this.#pongBy = never;
    this.#pingAt = never;
    this.#resyncAt = never;
    this.#forgiven = false;
    this.#greeted = false;
    for (const held of this.#subscriptions.values()) held.againAt = never;
  }

  #enter(state: MachineState, now: number): void {
    const before = this.#state;
    if (state === before && state !== 'waiting') return;
    this.#state = state;
    if (state !== 'connecting' && state !== 'waiting') this.#pollAt = never;
    else if (before !== 'connecting' && before !== 'waiting') this.#schedulePoll(now);
    this.#outputs.push(
      state === 'waiting'
        ? { type: 'state', state, retryAt: this.#retryAt }
        : { type: 'state', state },
    );
  }

  // ---- Orders -----------------------------------------------------------------------------------

  #onSubscribe(orderId: string, version: number): void {
    const held = this.#subscriptions.get(orderId);
    if (held !== undefined) {
      held.version = Math.max(held.version, version);
      if (held.againAt !== never) this.#sendSubscribe(orderId, held); // Somebody wants it now.
      return;
    }
    if (!isOrderId(orderId)) {
      const message = 'An order id is 1 to 128 bytes';
      this.#outputs.push({ type: 'error', code: 'bad_message', message, orderId });
      return;
    }
    if (this.#subscriptions.size >= this.#options.maxSubscriptions) {
      const message = 'Too many subscriptions';
      this.#outputs.push({ type: 'error', code: 'too_many_subscriptions', message, orderId });
      return;
    }
    const floor = this.#remembered.get(orderId) ?? 0;
    const added: Subscription = { version, floor, againAt: never, backoff: null };
    this.#subscriptions.set(orderId, added);
    this.#remembered.delete(orderId);
    if (this.#socketOpen) this.#sendSubscribe(orderId, added);
  }

  #onUnsubscribe(orderId: string): void {
    if (!this.#endSubscription(orderId)) return;
    if (this.#socketOpen) this.#send({ type: 'unsubscribe', orderId });
  }

  #endSubscription(orderId: string): boolean {
    const held = this.#subscriptions.get(orderId);
    if (held === undefined) return false;
    this.#subscriptions.delete(orderId);
    const newest = Math.max(held.version, held.floor);
    if (newest === 0) return true;
    this.#remembered.set(orderId, newest);
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= this.#options.maxRemembered) break;
      this.#remembered.delete(oldest);
    }
    return true;
  }

  /** Lets an order through if it is newer than what the application has: versions never go back. */
  #gate(orderId: string, version: number, data: OrderData): void {
    const held = this.#subscriptions.get(orderId);
    if (held === undefined) {
      this.#outputs.push({ type: 'ignored', reason: 'unsubscribed' });
    } else if (version <= held.version || version < held.floor) {
      this.#outputs.push({ type: 'ignored', reason: 'stale' });
    } else {
      held.version = version;
      this.#outputs.push({ type: 'order', orderId, version, data });
    }
  }

  #subscribeAll(): void {
    for (const [orderId, held] of this.#subscriptions) this.#sendSubscribe(orderId, held);
  }

  #sendSubscribe(orderId: string, held: Subscription): void {
    held.againAt = never;
    const message = { type: 'subscribe', orderId, since: held.version } as const;
    this.#send(this.#epoch === null ? message : { ...message, epoch: this.#epoch });
  }

  // ---- Messages ---------------------------------------------------------------------------------

  #onText(text: string, now: number): void {
    const message = decode(text);
    if (this.#state === 'open') this.#heard(now);
    if (message.type === 'unknown' || message.type === 'invalid') {
      this.#outputs.push({ type: 'ignored', reason: message.type });
      return;
    }
    if (this.#state === 'connecting') {
      this.#openSince = now;
      this.#connectBy = never;
      this.#enter('open', now);
      this.#outputs.push({ type: 'poll', reason: 'opened' });
      this.#heard(now);
    }
    this.#onMessage(message, now);
  }

  /** A sign of life. */
  #heard(now: number): void {
    this.#forgiven = false;
    this.#pongBy = never;
    this.#pingAt = now + this.#options.pingIntervalMs;
  }

  #onMessage(message: ServerMessage, now: number): void {
    switch (message.type) {
      case 'pong':
        return;
      case 'hello':
        this.#onHello(message.epoch);
        return;
      case 'order:updated':
        this.#subscriptions.get(message.orderId)?.backoff?.reset();
        this.#gate(message.orderId, message.version, message.data);
        return;
      case 'orders:changed':
        this.#outputs.push(changed(message));
        return;
      case 'error':
        this.#onError(message, now);
    }
  }

  /** Versions of another store mean nothing: whatever comes is taken. */
  #onHello(epoch: string): void {
    const isOther = this.#epoch !== null && this.#epoch !== epoch;
    this.#epoch = epoch;
    if (isOther) {
      this.#remembered.clear();
      for (const held of this.#subscriptions.values()) {
        held.version = 0;
        held.floor = 0;
      }
      this.#outputs.push({ type: 'epoch', epoch });
    }
    this.#greeted = true;
    if (this.#visible) this.#send({ type: 'presence', visible: true });
  }

  #onPresence(visible: boolean): void {
    if (visible === this.#visible) return;
    this.#visible = visible;
    if (this.#greeted) this.#send({ type: 'presence', visible });
  }

  #onError(message: Extract<ServerMessage, { type: 'error' }>, now: number): void {
    const { code, orderId } = message;
    if (code === 'subscription_denied' || code === 'too_many_subscriptions') {
      this.#endSubscription(orderId); // It would else be asked for again at each connect.
    } else if (code === 'unavailable') {
      this.#askAgain(orderId, now);
    } else if (code === 'rate_limited' && this.#resyncAt === never) {
      this.#resyncAt = now + this.#options.resyncMs; // What was dropped may have been a subscribe.
    }
    this.#outputs.push(message);
  }

  /** The server can't tell just now: the subscription stays, and is sent again with backoff. */
  #askAgain(orderId: string, now: number): void {
    const held = this.#subscriptions.get(orderId);
    if (held === undefined || held.againAt !== never) return;
    held.backoff ??= new Backoff(this.#options);
    held.againAt = now + held.backoff.next({ draw: this.#draw() });
  }

  // ---- Time -------------------------------------------------------------------------------------

  #onTimer(now: number): void {
    const { probeTimeoutMs } = this.#options;
    if (now >= this.#tokenBy) {
      if (this.#forgives(this.#tokenBy, now)) this.#tokenBy = now + probeTimeoutMs;
      else this.#giveUp(now);
    }
    if (now >= this.#connectBy) {
      if (this.#forgives(this.#connectBy, now)) this.#connectBy = now + probeTimeoutMs;
      else this.#giveUp(now);
    }
    if (now >= this.#retryAt) this.#attempt(now);
    if (now >= this.#pongBy) {
      if (this.#forgives(this.#pongBy, now)) {
        this.#ping(now);
        this.#pongBy = now + probeTimeoutMs;
      } else {
        this.#giveUp(now);
      }
    }
    if (now >= this.#pingAt) {
      this.#ping(now);
      this.#pingAt = never;
      this.#pongBy = now + this.#options.pongTimeoutMs;
    }
    if (now >= this.#resyncAt) {
      this.#resyncAt = never;
      this.#subscribeAll();
    }
    for (const [orderId, held] of this.#subscriptions) {
      if (now >= held.againAt) this.#sendSubscribe(orderId, held);
    }
    if (now >= this.#pollAt) {
      this.#schedulePoll(now);
      this.#outputs.push({ type: 'poll', reason: 'fallback' });
    }
  }

  /**
   * Whether a deadline that has passed proves nothing, because the timer came late: what answered in time may
   * wait behind it. Once: a timer that is always late must not keep a dead socket.
   */
  #forgives(deadline: number, now: number): boolean {
    if (this.#forgiven || now - deadline < this.#options.lateMs) return false;
    this.#forgiven = true;
    return true;
  }

  #giveUp(now: number): void {
    this.#closeSocket(closeCodes.givenUp);
    this.#fail(now, false, null);
  }

  #onWake(now: number): void {
    const { wakeFloorMs, probeTimeoutMs } = this.#options;
    if (this.#state === 'open') {
      if (this.#pongBy !== never || now - this.#lastPing < wakeFloorMs) return;
      this.#ping(now);
      this.#pingAt = never;
      this.#pongBy = now + probeTimeoutMs;
    } else if (this.#state === 'waiting') {
      const earliest = Math.max(this.#lastAttempt + wakeFloorMs, this.#hold);
      if (earliest <= now) {
        this.#attempt(now);
      } else if (earliest < this.#retryAt) {
        this.#retryAt = earliest;
        this.#enter('waiting', now);
      }
    }
  }

  #ping(now: number): void {
    this.#lastPing = now;
    this.#send({ type: 'ping' });
  }

  #schedulePoll(now: number): void {
    const { pollIntervalMs } = this.#options;
    this.#pollAt = now + pollIntervalMs - Math.floor((this.#draw() * pollIntervalMs) / 5);
  }

  #send(message: ClientMessage): void {
    if (this.#connection === null) return;
    this.#outputs.push({ type: 'send', connection: this.#connection, message });
  }
}

function changed(message: Extract<ServerMessage, { type: 'orders:changed' }>): Output {
  return { type: 'changed', orderId: message.orderId, status: message.status };
}
