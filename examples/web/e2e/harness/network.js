// SPDX-License-Identifier: MIT

import { connect, createServer } from 'node:net';

/**
 * The network between the browser and a server, with its faults: sockets that are cut, that hang without a word, or
 * that are not let through. The browser sees one address, whatever happens to the server behind it.
 */
export class Network {
  /** @type {Set<{ browser: import('node:net').Socket, server: import('node:net').Socket | undefined, webSocket: boolean }>} */
  #pairs = new Set();
  #server = createServer({ allowHalfOpen: false }, (socket) => this.#accept(socket));
  #target;
  #down = false;
  #refuseWebSockets = false;
  port = 0;

  /** @param {import('./server.js').Server} target */
  constructor(target) {
    this.#target = target;
  }

  /** @param {import('./server.js').Server} target */
  static async to(target) {
    const network = new Network(target);
    await new Promise((done) => network.#server.listen(0, '127.0.0.1', () => done(undefined)));
    const address = network.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no address');
    network.port = address.port;
    return network;
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Nothing gets through, and what was open is cut. */
  goDown() {
    this.#down = true;
    this.cut();
  }

  comeUp() {
    this.#down = false;
  }

  /** Closes all that is open. */
  cut() {
    for (const pair of this.#pairs) destroy(pair);
  }

  /** WebSockets that are open hear nothing more, and are told nothing. New ones get through. */
  hangWebSockets() {
    for (const pair of this.#pairs) {
      if (!pair.webSocket) continue;
      pair.browser.unpipe();
      pair.server?.unpipe();
      pair.browser.resume();
      pair.server?.resume();
    }
  }

  /** HTTP gets through, WebSockets don't; those that are open are cut. @param {boolean} refuse */
  refuseWebSockets(refuse) {
    this.#refuseWebSockets = refuse;
    if (!refuse) return;
    for (const pair of this.#pairs) if (pair.webSocket) destroy(pair);
  }

  async dispose() {
    this.goDown();
    await new Promise((done) => this.#server.close(done));
  }

  /** @param {import('node:net').Socket} browser */
  #accept(browser) {
    if (this.#down) {
      browser.destroy();
      return;
    }
    /** @type {{ browser: import('node:net').Socket, server: import('node:net').Socket | undefined, webSocket: boolean }} */
    const pair = { browser, server: undefined, webSocket: false };
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      destroy(pair);
    };
    browser.on('error', end).on('close', end);
    browser.once('data', (head) => {
      pair.webSocket = head.toString('latin1').startsWith('GET /ws');
      if (pair.webSocket && this.#refuseWebSockets) {
        end();
        return;
      }
      browser.pause();
      const server = connect(this.#target.port, '127.0.0.1', () => {
        server.write(head);
        browser.pipe(server);
        server.pipe(browser);
      });
      pair.server = server;
      server.on('error', end).on('close', () => {
        // What was sent before the close still has to arrive.
        this.#pairs.delete(pair);
        browser.end();
      });
    });
  }
}

/** @param {{ browser: import('node:net').Socket, server: import('node:net').Socket | undefined }} pair */
function destroy({ browser, server }) {
  browser.destroy();
  server?.destroy();
}
