// SPDX-License-Identifier: MIT

import { encode } from '../codec';
import type { Environment, Socket } from '../environment';
import type { Input } from '../machine';
import { batchesOf, type OrderMessage, ordersOf } from '../machine/batches';
import type { Report } from '../report';
import { type ClientMessage, closeCodes } from '../types';

/** RFC 6455 section 7.1.5: closed without a close frame. */
const abnormalClosure = 1006;

export interface MachineSocketOptions {
  readonly url: string;
  readonly environment: Environment;
  readonly feed: (input: Input) => void;
  readonly report: Report;
}

interface Connection {
  readonly number: number;
  readonly socket: Socket;
  /** What this tick has subscribed to and left so far, on a connection that takes many orders in one message. */
  gathered: OrderMessage[];
}

const isSecondVersion = (socket: Socket): boolean => socket.protocol === 'ordercast.v2';

/** The current socket: does what the machine wants of it, and feeds its events to the machine. */
export class MachineSocket {
  readonly #options: MachineSocketOptions;
  #current: Connection | null = null;
  /** A server has found a message too big; one for many orders may be again. */
  #wasTooBig = false;

  constructor(options: MachineSocketOptions) {
    this.#options = options;
  }

  open(connection: number, token: string): void {
    const { environment, url, feed, report } = this.#options;
    let socket: Socket;
    try {
      // The token is a subprotocol and not part of the URL, since URLs end up in logs.
      socket = environment.openSocket(url, ['ordercast.v2', 'ordercast.v1', `bearer.${token}`]);
    } catch (problem) {
      report(problem);
      environment.timers.set(() => this.#feedClosed(connection), 0);
      return;
    }
    const current: Connection = { number: connection, socket, gathered: [] };
    this.#current = current;
    // The machine ignores events of sockets that were given up: it knows them by their number.
    socket.onopen = () => {
      feed({ type: 'opened', connection, isSecondVersion: isSecondVersion(socket) });
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') feed({ type: 'message', connection, text: data });
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#current === current) this.#current = null;
      if (code === closeCodes.messageTooBig) this.#wasTooBig = true;
      feed({ type: 'closed', connection, code, reason });
    };
    // `onclose` follows. It listens for good: `ws` throws an error that nobody hears, also one after `close`.
    socket.onerror = () => undefined;
  }

  /**
   * Returns whether the message is on its way. A whole page of a list is left and watched within one tick: that goes out
   * as few messages at its end, since a server limits how many it takes. If the socket ends before, they are dropped: the
   * machine tells the next one of all that is watched by then.
   */
  send(message: ClientMessage): boolean {
    const current = this.#current;
    if (current === null) return false;
    const gathers = isSecondVersion(current.socket) && !this.#wasTooBig;
    const orders = gathers ? ordersOf(message) : null;
    if (orders === null) return this.#sendGathered(current) && this.#sendNow(current, message);
    if (current.gathered.length === 0) queueMicrotask(() => this.#sendGathered(current));
    current.gathered.push(...orders);
    return true;
  }

  close(code: number): void {
    const socket = this.#current?.socket;
    this.#current = null;
    try {
      socket?.close(code);
    } catch (problem) {
      this.#options.report(problem);
    }
  }

  /** Returns false if the connection has ended. */
  #sendGathered(current: Connection): boolean {
    const messages = batchesOf(current.gathered);
    current.gathered = [];
    return (
      this.#current === current && messages.every((message) => this.#sendNow(current, message))
    );
  }

  #sendNow({ socket, number }: Connection, message: ClientMessage): boolean {
    try {
      socket.send(encode(message));
      return true;
    } catch (problem) {
      // A socket that can't send is useless, whatever state it claims.
      this.#options.report(problem);
      this.close(closeCodes.givenUp);
      this.#feedClosed(number);
      return false;
    }
  }

  #feedClosed(connection: number): void {
    this.#options.feed({ type: 'closed', connection, code: abnormalClosure, reason: '' });
  }
}
