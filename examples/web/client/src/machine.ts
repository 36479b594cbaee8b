// SPDX-License-Identifier: MIT

import { retryAfterOf } from './backoff';
import { decode } from './codec';
import { Conversation } from './machine/conversation';
import { LateTimerGrace, never } from './machine/deadlines';
import { FallbackPoll } from './machine/fallback-poll';
import { Heartbeat } from './machine/heartbeat';
import type {
  ConnectionInput,
  Input,
  MachineState,
  Output,
  TokenReason,
} from './machine/inputs-outputs';
import { defaultMachineOptions, type MachineOptions } from './machine/options';
import { type AttemptFailure, ReconnectSchedule } from './machine/reconnect-schedule';
import { type TokenChoice, TokenSupply } from './machine/token-supply';
import { type ClientMessage, closeCodes } from './types';

export type { Input, MachineState, Output, TokenReason } from './machine/inputs-outputs';
export { defaultMachineOptions, type MachineOptions } from './machine/options';

interface Connection {
  readonly number: number;
  readonly token: string;
  /** By when the server must answer; `never` once it has. */
  openBy: number;
  openSince: number;
}

const slowCodes: readonly number[] = [
  closeCodes.policy,
  closeCodes.tooManyConnections,
  closeCodes.tooSlow,
];

/**
 * A client's connection as a state machine without I/O: takes inputs with the time in milliseconds, and returns
 * outputs. The same machine is written in C++ (`include/ordercast/client`); `tests/vectors` tests both, and its README
 * describes the machine.
 */
export class Machine {
  readonly #options: MachineOptions;
  readonly #tokens: TokenSupply;
  readonly #reconnects: ReconnectSchedule;
  readonly #heartbeat: Heartbeat;
  readonly #poll: FallbackPoll;
  readonly #grace: LateTimerGrace;
  readonly #conversation: Conversation;
  #outputs: Output[] = [];
  #state: MachineState = 'idle';
  #connection: Connection | null = null;
  /** Counts connections, to number them. */
  #connections = 0;

  /** `draw` gives a number from 0 up to, not including, 1. */
  constructor(draw: () => number, options: Partial<MachineOptions> = {}) {
    this.#options = { ...defaultMachineOptions, ...options };
    this.#tokens = new TokenSupply(this.#options.tokenTimeoutMs);
    this.#reconnects = new ReconnectSchedule(this.#options, draw);
    this.#heartbeat = new Heartbeat(this.#options);
    this.#poll = new FallbackPoll(this.#options.pollIntervalMs, draw);
    this.#grace = new LateTimerGrace(this.#options.lateMs);
    this.#conversation = new Conversation({
      options: this.#options,
      draw,
      send: (message) => this.#send(message),
      emit: (output) => this.#outputs.push(output),
    });
  }

  get state(): MachineState {
    return this.#state;
  }

  /** When the next attempt is made; only while `waiting`. */
  get retryAt(): number {
    return this.#reconnects.retryAt;
  }

  /** Attempts that failed since a connection last proved good. */
  get failures(): number {
    return this.#reconnects.failures;
  }

  /** When the machine needs the input `timer` next; null for never. */
  get timer(): number | null {
    const next = Math.min(
      this.#tokens.answerBy,
      this.#connection?.openBy ?? never,
      this.#reconnects.retryAt,
      this.#heartbeat.next,
      this.#conversation.next,
      this.#poll.at,
    );
    return next === never ? null : next;
  }

  /** Takes one input and returns what to do, in this order. */
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
        if (input.token !== undefined) this.#tokens.set(input.token, input.renewAt);
        this.#attempt(now);
        return;
      case 'stop':
        this.#onStop();
        return;
      case 'token':
        this.#tokens.set(input.token, input.renewAt);
        this.#onToken(input.token, now);
        return;
      case 'token_failed':
        if (this.#tokens.isAsking) this.#fail(now);
        return;
      case 'token_refused':
        if (this.#tokens.isAsking) this.#refuse();
        return;
      case 'subscribe':
        this.#conversation.subscribe(input.orderId, input.version);
        return;
      case 'unsubscribe':
        this.#conversation.unsubscribe(input.orderId);
        return;
      case 'fetched':
        this.#conversation.offer(input.orderId, input.data.version, input.data);
        return;
      case 'wake':
        this.#onWake(now);
        return;
      case 'presence':
        this.#conversation.setVisible(input.visible);
        return;
      case 'timer':
        this.#onTimer(now);
        return;
      default: {
        const connection = this.#connection;
        // Events of an earlier connection are ignored.
        if (connection?.number === input.connection) this.#onConnection(connection, input, now);
      }
    }
  }

  #onConnection(connection: Connection, input: ConnectionInput, now: number): void {
    switch (input.type) {
      case 'opened':
        if (this.#conversation.isOpen) return;
        this.#conversation.open(input.isSecondVersion === true);
        this.#heartbeat.pinged(now);
        this.#send({ type: 'ping' }); // Its answer proves that the token is good.
        return;
      case 'message':
        if (this.#conversation.isOpen) this.#onText(connection, input.text, now);
        return;
      case 'closed':
        this.#onClosed(connection.token, input.code, input.reason, now);
    }
  }

  // ---- Attempts and their ends ------------------------------------------------------------------

  #attempt(now: number): void {
    this.#reconnects.attempted(now);
    this.#enter('connecting', now);
    this.#connectOrAsk(this.#tokens.choose(now), now);
  }

  #connectOrAsk(choice: TokenChoice, now: number): void {
    if (choice.need === undefined) this.#connect(choice.token, now);
    else this.#ask(choice.need, now);
  }

  #ask(reason: TokenReason, now: number): void {
    this.#tokens.ask(now);
    this.#outputs.push({ type: 'need_token', reason });
  }

  #connect(token: string, now: number): void {
    this.#tokens.stopAsking();
    this.#grace.renew();
    this.#connections += 1;
    this.#connection = {
      number: this.#connections,
      token,
      openBy: now + this.#options.connectTimeoutMs,
      openSince: never,
    };
    this.#outputs.push({ type: 'connect', connection: this.#connections, token });
  }

  #onToken(token: string, now: number): void {
    if (this.#tokens.isAsking) {
      this.#connect(token, now);
    } else if (this.#state === 'refused') {
      this.#reconnects.forgetFailures();
      this.#attempt(now);
    }
  }

  #onStop(): void {
    this.#tokens.forget();
    if (this.#state === 'idle') return;
    this.#closeSocket(closeCodes.normal);
    this.#leaveConnection();
    this.#reconnects.cancel();
    this.#tokens.forgetRejection();
    this.#enter('idle', 0);
  }

  #onClosed(token: string, code: number, reason: string, now: number): void {
    if (code === closeCodes.messageTooBig) this.#conversation.messageWasTooBig();
    if (code !== closeCodes.unauthorized) {
      const retryAfterMs = retryAfterOf(code, reason, this.#options.maxRetryAfterMs);
      this.#fail(now, { slow: slowCodes.includes(code), retryAfterMs });
      return;
    }
    this.#endConnection(now);
    const choice = this.#tokens.chooseAfterRejection(token);
    if (choice === null) {
      this.#refuse();
      return;
    }
    this.#enter('connecting', now);
    this.#connectOrAsk(choice, now);
  }

  #refuse(): void {
    this.#tokens.forget();
    this.#leaveConnection();
    this.#enter('refused', 0);
  }

  /** Ends a connection, or the attempt to get one, and schedules the next attempt. */
  #fail(now: number, failure: AttemptFailure = {}): void {
    this.#endConnection(now);
    this.#reconnects.failed(now, failure);
    this.#enter('waiting', now);
  }

  #giveUp(now: number): void {
    this.#closeSocket(closeCodes.givenUp);
    this.#fail(now);
  }

  #endConnection(now: number): void {
    const openSince = this.#connection?.openSince ?? never;
    if (this.#state === 'open' && now - openSince >= this.#options.stableMs) {
      this.#reconnects.forgetFailures();
      this.#tokens.forgetRejection();
    }
    this.#leaveConnection();
  }

  #closeSocket(code: number): void {
    if (this.#connection === null) return;
    this.#outputs.push({ type: 'close', connection: this.#connection.number, code });
  }

  #leaveConnection(): void {
    this.#connection = null;
    this.#tokens.stopAsking();
    this.#heartbeat.stop();
    this.#grace.renew();
    this.#conversation.close();
  }

  #enter(state: MachineState, now: number): void {
    const before = this.#state;
    if (state === before && state !== 'waiting') return;
    this.#state = state;
    if (!isOffline(state)) this.#poll.stop();
    else if (!isOffline(before)) this.#poll.schedule(now);
    this.#outputs.push(
      state === 'waiting'
        ? { type: 'state', state, retryAt: this.retryAt }
        : { type: 'state', state },
    );
  }

  // ---- Messages ---------------------------------------------------------------------------------

  #onText(connection: Connection, text: string, now: number): void {
    const message = decode(text);
    if (this.#state === 'open') this.#onSignOfLife(now);
    if (message.type === 'unknown' || message.type === 'invalid') {
      this.#outputs.push({ type: 'ignored', reason: message.type });
      return;
    }
    if (this.#state === 'connecting') {
      connection.openSince = now;
      connection.openBy = never;
      this.#enter('open', now);
      this.#outputs.push({ type: 'poll', reason: 'opened' });
      this.#onSignOfLife(now);
    }
    this.#conversation.receive(message, now);
  }

  #onSignOfLife(now: number): void {
    this.#grace.renew();
    this.#heartbeat.heard(now);
  }

  // ---- Time -------------------------------------------------------------------------------------

  #onTimer(now: number): void {
    this.#checkAnswerDeadlines(now);
    if (this.#reconnects.isDue(now)) this.#attempt(now);
    if (this.#heartbeat.isPongOverdue(now)) {
      if (this.#grace.take(this.#heartbeat.pongBy, now)) this.#probe(now);
      else this.#giveUp(now);
    }
    if (this.#heartbeat.isPingDue(now)) {
      this.#heartbeat.awaitPong(now);
      this.#send({ type: 'ping' });
    }
    this.#conversation.onTimer(now);
    if (this.#poll.isDue(now)) {
      this.#poll.schedule(now);
      this.#outputs.push({ type: 'poll', reason: 'fallback' });
    }
  }

  /** Checks the deadlines of the token request and of the connection attempt. At most one of them is set. */
  #checkAnswerDeadlines(now: number): void {
    const { probeTimeoutMs } = this.#options;
    if (now >= this.#tokens.answerBy) {
      if (this.#grace.take(this.#tokens.answerBy, now)) this.#tokens.extend(now, probeTimeoutMs);
      else this.#giveUp(now);
    }
    const connection = this.#connection;
    if (connection !== null && now >= connection.openBy) {
      if (this.#grace.take(connection.openBy, now)) connection.openBy = now + probeTimeoutMs;
      else this.#giveUp(now);
    }
  }

  #onWake(now: number): void {
    if (this.#state === 'open') {
      if (this.#heartbeat.mayProbe(now)) this.#probe(now);
    } else if (this.#state === 'waiting') {
      const result = this.#reconnects.wake(now);
      if (result === 'now') this.#attempt(now);
      else if (result === 'moved') this.#enter('waiting', now);
    }
  }

  /** Pings with a short deadline, since a user may be looking. */
  #probe(now: number): void {
    this.#heartbeat.awaitPong(now, this.#options.probeTimeoutMs);
    this.#send({ type: 'ping' });
  }

  #send(message: ClientMessage): void {
    if (this.#connection === null) return;
    this.#outputs.push({ type: 'send', connection: this.#connection.number, message });
  }
}

/** Whether the fallback poll runs in this state. */
function isOffline(state: MachineState): boolean {
  return state === 'connecting' || state === 'waiting';
}
