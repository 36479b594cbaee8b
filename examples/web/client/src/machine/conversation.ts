// SPDX-License-Identifier: MIT

import type { ClientMessage, ServerMessage } from '../types';
import type { OrderData, Output } from './inputs-outputs';
import type { MachineOptions } from './options';
import { Subscriptions } from './subscriptions';

export interface ConversationOptions {
  readonly options: MachineOptions;
  /** Gives a number from 0 up to, not including, 1. */
  readonly draw: () => number;
  readonly send: (message: ClientMessage) => void;
  readonly emit: (output: Output) => void;
}

/**
 * What client and server say to each other about orders and presence, once a socket is open. Subscriptions and
 * presence outlive the socket: the next one is told of them.
 */
export class Conversation {
  readonly #subscriptions: Subscriptions;
  readonly #send: (message: ClientMessage) => void;
  readonly #emit: (output: Output) => void;
  #isOpen = false;
  /** The server takes many subscribes in one message. */
  #inBatches = false;
  /** A server has found a message too big; a batch may be again. */
  #wasTooBig = false;
  /** The server has sent `hello`, so it understands `presence`. */
  #hasGreeted = false;
  #isVisible = false;

  constructor({ options, draw, send, emit }: ConversationOptions) {
    this.#subscriptions = new Subscriptions(options, draw);
    this.#send = send;
    this.#emit = emit;
  }

  /** Whether it takes place: between `open` and `close`. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** When `onTimer` next has something to send. */
  get next(): number {
    return this.#subscriptions.next;
  }

  /** Begins on a new socket: subscribes to all orders. */
  open(isSecondVersion: boolean): void {
    this.#isOpen = true;
    this.#inBatches = isSecondVersion && !this.#wasTooBig;
    for (const message of this.#subscriptions.allMessages(this.#inBatches)) this.#send(message);
  }

  /** The server has closed the connection because a message was too big for it: from now on no batches. */
  messageWasTooBig(): void {
    this.#wasTooBig = true;
  }

  close(): void {
    this.#isOpen = false;
    this.#hasGreeted = false;
    this.#subscriptions.connectionEnded();
  }

  /** Sends again what is due by now. */
  onTimer(now: number): void {
    for (const message of this.#subscriptions.due(now, this.#inBatches)) this.#send(message);
  }

  subscribe(orderId: string, version: number): void {
    switch (this.#subscriptions.add(orderId, version)) {
      case 'added':
        if (this.#isOpen) this.#sendSubscribe(orderId);
        break;
      case 'retry':
        this.#sendSubscribe(orderId); // The application wants it now.
        break;
      case 'held':
        break;
      case 'invalid_id':
        this.#reject(orderId, 'bad_message', 'An order id is 1 to 128 bytes');
        break;
      case 'full':
        this.#reject(orderId, 'too_many_subscriptions', 'Too many subscriptions');
    }
  }

  unsubscribe(orderId: string): void {
    if (!this.#subscriptions.remove(orderId)) return;
    if (this.#isOpen) this.#send({ type: 'unsubscribe', orderId });
  }

  setVisible(visible: boolean): void {
    if (visible === this.#isVisible) return;
    this.#isVisible = visible;
    if (this.#hasGreeted) this.#send({ type: 'presence', visible });
  }

  /** Takes an order from the server or from elsewhere: emits it if it is newer than what the application has. */
  offer(orderId: string, version: number, data: OrderData): void {
    const result = this.#subscriptions.accept(orderId, version);
    if (result === 'accepted') this.#emit({ type: 'order', orderId, version, data });
    else this.#emit({ type: 'ignored', reason: result });
  }

  /** Takes a message from the server. */
  receive(message: ServerMessage, now: number): void {
    switch (message.type) {
      case 'pong':
        return;
      case 'hello':
        this.#onHello(message.epoch);
        return;
      case 'order:updated':
        this.#subscriptions.answered(message.orderId);
        this.offer(message.orderId, message.version, message.data);
        return;
      case 'orders:changed':
        this.#emit({ type: 'changed', orderId: message.orderId, status: message.status });
        return;
      case 'error':
        this.#onError(message, now);
    }
  }

  #onHello(epoch: string): void {
    if (this.#subscriptions.setEpoch(epoch)) this.#emit({ type: 'epoch', epoch });
    this.#hasGreeted = true;
    if (this.#isVisible) this.#send({ type: 'presence', visible: true });
  }

  #onError(message: Extract<ServerMessage, { type: 'error' }>, now: number): void {
    const { code, orderId } = message;
    if (code === 'subscription_denied' || code === 'too_many_subscriptions') {
      this.#subscriptions.remove(orderId); // Otherwise each connect would ask for it again.
    } else if (code === 'unavailable') {
      this.#subscriptions.retryLater(orderId, now);
    } else if (code === 'rate_limited') {
      this.#subscriptions.resyncLater(now);
    }
    this.#emit(message);
  }

  #reject(orderId: string, code: string, message: string): void {
    this.#emit({ type: 'error', code, message, orderId });
  }

  #sendSubscribe(orderId: string): void {
    const message = this.#subscriptions.message(orderId);
    if (message !== null) this.#send(message);
  }
}
