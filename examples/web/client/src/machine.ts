// SPDX-License-Identifier: MIT

import { Backoff, type BackoffOptions, defaultBackoff } from './backoff.ts';
import { decode, encode } from './codec.ts';
import { closeCodes, type ServerMessage } from './types.ts';

/**
 * One connection's life as a state machine without I/O: events go in, with the time; actions come out. The same
 * machine is written in C++ (`include/ordercast/client`); the traces in `tests/vectors` hold both to it.
 */

export type MachineState = 'idle' | 'connecting' | 'open' | 'waiting' | 'refused';

export type Action =
  /** Get an access token, a new one if `fresh`, and hand it to `onToken`. */
  | { readonly do: 'get-token'; readonly fresh: boolean }
  /** Open a socket with the token. */
  | { readonly do: 'open'; readonly token: string }
  | { readonly do: 'send'; readonly text: string }
  | { readonly do: 'close'; readonly code: number }
  /** A message for the application; an `order:updated` only when it is newer than what was seen. */
  | { readonly do: 'deliver'; readonly message: ServerMessage }
  /** Ask over HTTP for what is watched. */
  | { readonly do: 'poll' };

export interface MachineOptions {
  readonly backoff: BackoffOptions;
  /** From opening a socket to its `onopen`. */
  readonly openDeadlineMs: number;
  /** Between pings. */
  readonly pingIntervalMs: number;
  /** From a ping to its pong: interval and deadline together stay below 40 s. */
  readonly pongDeadlineMs: number;
  /** The deadline of a ping after `onWake`, when somebody is looking. */
  readonly wakeDeadlineMs: number;
  /** How long a connection has to last before its end counts as the first failure again. */
  readonly provenAfterMs: number;
  /** Between polls while not live; jittered down to a half. */
  readonly pollIntervalMs: number;
}

export const defaultMachineOptions: MachineOptions = {
  backoff: defaultBackoff,
  openDeadlineMs: 10_000,
  pingIntervalMs: 25_000,
  pongDeadlineMs: 10_000,
  wakeDeadlineMs: 5_000,
  provenAfterMs: 10_000,
  pollIntervalMs: 60_000,
};

const never = Number.POSITIVE_INFINITY;

export class Machine {
  readonly #options: MachineOptions;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  /** What is watched, and the newest version seen of each (0 for none). */
  readonly #orders = new Map<string, number>();
  #actions: Action[] = [];
  #state: MachineState = 'idle';
  #reason = '';
  #freshToken = false;
  #openedAt = 0;
  #retryAt = never;
  #openBy = never;
  #pingAt = never;
  #pongBy = never;
  #pollAt = never;

  constructor(random: () => number, options: MachineOptions = defaultMachineOptions) {
    this.#random = random;
    this.#options = options;
    this.#backoff = new Backoff(options.backoff);
  }

  get state(): MachineState {
    return this.#state;
  }

  /** Why it is `refused`. */
  get reason(): string {
    return this.#reason;
  }

  /** When the next attempt is made; only while `waiting`. */
  get retryAt(): number {
    return this.#retryAt;
  }

  /** Attempts that failed since a connection last proved good. */
  get failures(): number {
    return this.#backoff.attempts;
  }

  /** When `onTick` is wanted next; infinity for never. */
  get deadline(): number {
    return Math.min(this.#retryAt, this.#openBy, this.#pingAt, this.#pongBy, this.#pollAt);
  }

  /** What to do now. Empties the list. */
  takeActions(): Action[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  /** Connects, from `idle` or `refused`. */
  start(now: number): void {
    if (this.#state !== 'idle' && this.#state !== 'refused') return;
    this.#backoff.reset();
    this.#schedulePoll(now);
    this.#connect(false);
  }

  /** Hangs up and forgets all but what is watched. */
  stop(): void {
    if (this.#state === 'connecting' || this.#state === 'open') {
      this.#actions.push({ do: 'close', code: closeCodes.normal });
    }
    this.#rest('idle');
    this.#pollAt = never;
  }

  watch(orderId: string, version = 0): void {
    if (this.#orders.has(orderId)) {
      this.saw(orderId, version);
      return;
    }
    this.#orders.set(orderId, version);
    if (this.#state === 'open') this.#subscribe(orderId);
  }

  unwatch(orderId: string): void {
    if (this.#orders.delete(orderId) && this.#state === 'open') {
      this.#send(encode({ type: 'unsubscribe', orderId }));
    }
  }

  /** Says that the application has this version from elsewhere. True when that was news. */
  saw(orderId: string, version: number): boolean {
    const seen = this.#orders.get(orderId);
    if (seen === undefined || version <= seen) return false;
    this.#orders.set(orderId, version);
    return true;
  }

  /** The answer to `get-token`; null means that there is none to be had. */
  onToken(token: string | null, now: number): void {
    if (this.#state !== 'connecting') return;
    if (token === null) {
      this.#refuse('signed out', now);
      return;
    }
    this.#openBy = now + this.#options.openDeadlineMs;
    this.#actions.push({ do: 'open', token });
  }

  /** The token could not be asked for: the network, not the user. */
  onTokenFailed(now: number): void {
    if (this.#state === 'connecting') this.#wait(now, null);
  }

  onOpen(now: number): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    this.#openBy = never;
    this.#pollAt = never;
    this.#openedAt = now;
    this.#pingAt = now + this.#options.pingIntervalMs;
    for (const orderId of this.#orders.keys()) this.#subscribe(orderId);
  }

  onText(text: string, now: number): void {
    if (this.#state !== 'open') return;
    const message = decode(text);
    if (message === null) return;
    // Whatever arrives shows that the other end lives.
    this.#pongBy = never;
    this.#proveIfDue(now);
    if (message.type === 'pong') return;
    if (message.type === 'order:updated' && !this.saw(message.orderId, message.data.version))
      return;
    this.#actions.push({ do: 'deliver', message });
  }

  /** The socket has closed or could not be opened. */
  onClose(code: number, reason: string, now: number): void {
    if (this.#state !== 'connecting' && this.#state !== 'open') return;
    this.#proveIfDue(now);
    if (code === closeCodes.unauthorized) {
      if (this.#freshToken) this.#refuse(reason, now);
      else this.#connect(true);
      if (this.#pollAt === never) this.#schedulePoll(now);
      return;
    }
    const asked = /(?:^|[\s;,])retry-after-ms=(\d{1,9})/.exec(reason);
    this.#wait(now, asked ? Number(asked[1]) : null);
  }

  /** Somebody looks again, or the network is back: connect at once, or see whether the socket still lives. */
  onWake(now: number): void {
    if (this.#state === 'waiting') {
      this.#connect(false);
    } else if (this.#state === 'open' && this.#pongBy === never) {
      this.#ping(now, this.#options.wakeDeadlineMs);
    }
  }

  onTick(now: number): void {
    if (now >= this.#retryAt) this.#connect(false);
    if (now >= this.#openBy || now >= this.#pongBy) {
      this.#actions.push({ do: 'close', code: closeCodes.normal });
      this.#wait(now, null);
    }
    if (now >= this.#pingAt) this.#ping(now, this.#options.pongDeadlineMs);
    if (now >= this.#pollAt) {
      this.#schedulePoll(now);
      this.#actions.push({ do: 'poll' });
    }
  }

  #connect(fresh: boolean): void {
    this.#rest('connecting');
    this.#freshToken = fresh;
    this.#actions.push({ do: 'get-token', fresh });
  }

  #wait(now: number, askedMs: number | null): void {
    const backoffMs = this.#backoff.next(this.#random());
    this.#rest('waiting');
    this.#retryAt = now + (askedMs ?? backoffMs);
    if (this.#pollAt === never) this.#schedulePoll(now);
  }

  #refuse(reason: string, now: number): void {
    this.#rest('refused');
    this.#reason = reason;
    this.#pollAt = never;
    void now;
  }

  /** Enters a state in which no socket is open. */
  #rest(state: MachineState): void {
    this.#state = state;
    this.#retryAt = never;
    this.#openBy = never;
    this.#pingAt = never;
    this.#pongBy = never;
  }

  #proveIfDue(now: number): void {
    if (this.#state === 'open' && now - this.#openedAt >= this.#options.provenAfterMs) {
      this.#backoff.reset();
      this.#freshToken = false;
    }
  }

  #ping(now: number, deadlineMs: number): void {
    this.#pingAt = now + this.#options.pingIntervalMs;
    this.#pongBy = Math.min(this.#pongBy, now + deadlineMs);
    this.#send(encode({ type: 'ping' }));
  }

  #schedulePoll(now: number): void {
    const { pollIntervalMs } = this.#options;
    this.#pollAt = now + Math.floor(pollIntervalMs / 2 + (pollIntervalMs / 2) * this.#random());
  }

  #subscribe(orderId: string): void {
    const since = this.#orders.get(orderId) ?? 0;
    this.#send(encode({ type: 'subscribe', orderId, since }));
  }

  #send(text: string): void {
    this.#actions.push({ do: 'send', text });
  }
}
