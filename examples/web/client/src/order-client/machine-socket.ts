// SPDX-License-Identifier: MIT

import { encode } from '../codec.ts';
import type { Environment, Socket } from '../environment.ts';
import type { Input } from '../machine.ts';
import type { Report } from '../report.ts';
import { type ClientMessage, closeCodes } from '../types.ts';

/** RFC 6455 section 7.1.5: closed without a close frame. */
const abnormalClosure = 1006;

export interface MachineSocketOptions {
  readonly url: string;
  readonly environment: Environment;
  readonly feed: (input: Input) => void;
  readonly report: Report;
}

/** The current socket: does what the machine wants of it, and feeds its events to the machine. */
export class MachineSocket {
  readonly #options: MachineSocketOptions;
  #socket: Socket | null = null;

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
    this.#socket = socket;
    // The machine ignores events of sockets that were given up: it knows them by their number.
    socket.onopen = () => {
      feed({ type: 'opened', connection, isSecondVersion: socket.protocol === 'ordercast.v2' });
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') feed({ type: 'message', connection, text: data });
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#socket = null;
      feed({ type: 'closed', connection, code, reason });
    };
    socket.onerror = null; // `onclose` follows.
  }

  /** Returns whether the socket took the message. */
  send(connection: number, message: ClientMessage): boolean {
    const socket = this.#socket;
    if (socket === null) return false;
    try {
      socket.send(encode(message));
      return true;
    } catch (problem) {
      // A socket that can't send is useless, whatever state it claims.
      this.#options.report(problem);
      this.close(closeCodes.givenUp);
      this.#feedClosed(connection);
      return false;
    }
  }

  close(code: number): void {
    const socket = this.#socket;
    this.#socket = null;
    try {
      socket?.close(code);
    } catch (problem) {
      this.#options.report(problem);
    }
  }

  #feedClosed(connection: number): void {
    this.#options.feed({ type: 'closed', connection, code: abnormalClosure, reason: '' });
  }
}
