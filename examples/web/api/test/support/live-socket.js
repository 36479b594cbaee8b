// SPDX-License-Identifier: MIT

import { WebSocket } from 'ws';

/** A WebSocket whose messages are recorded in both directions. */
export class LiveSocket {
  #recorder;
  #socket;
  #unread = [];
  #wake = () => undefined;
  #close;

  /** `options`: `token` as a subprotocol, `protocols`, `query`, `headers`. */
  constructor(recorder, origin, { token, protocols = ['ordercast.v2'], query = '', headers } = {}) {
    this.#recorder = recorder;
    const offered = token === undefined ? protocols : [...protocols, `bearer.${token}`];
    this.#socket = new WebSocket(`${origin.replace('http', 'ws')}/ws${query}`, offered, {
      headers,
      handshakeTimeout: 30_000,
    });
    this.opened = new Promise((done, fail) => {
      this.#socket.once('open', () => done(this));
      this.#socket.once('error', fail);
    });
    this.#socket.on('message', (data) => {
      this.#unread.push(JSON.parse(data.toString()));
      this.#wake();
    });
    this.closed = new Promise((done) => {
      this.#socket.once('close', (code, reason) => {
        this.#close = { code, reason: reason.toString() };
        this.#wake();
        done(this.#close);
      });
    });
  }

  get protocol() {
    return this.#socket.protocol;
  }

  send(message) {
    this.#socket.send(JSON.stringify(this.#recorder.message('fromClient', message)));
  }

  /** Sends what no client should: text as it is, or a Buffer as a binary frame. */
  sendRaw(data) {
    this.#socket.send(data);
  }

  /** The next message that `fits`; each message on the way to it is recorded. */
  async next(fits) {
    for (;;) {
      while (this.#unread.length > 0) {
        const message = this.#recorder.message('fromServer', this.#unread.shift());
        if (fits(message)) return message;
      }
      if (this.#close) throw new Error(`closed with ${this.#close.code} ${this.#close.reason}`);
      await new Promise((done) => {
        this.#wake = done;
      });
    }
  }

  type(type) {
    return this.next((message) => message.type === type);
  }

  error(code) {
    return this.next((message) => message.type === 'error' && message.code === code);
  }

  async leave() {
    this.#socket.close();
    await this.closed;
  }
}
