// SPDX-License-Identifier: MIT

// A program on the package `ws`, which throws an error that has no listener: what node.test.ts runs.

import { createServer } from 'node:net';
import { OrderClient } from '@ordercast/client';
import { nodeEnvironment } from '@ordercast/client/node';
import WebSocket from 'ws';

/** @param {number} port @param {() => void} onState */
function watch(port, onState) {
  const client = new OrderClient({
    url: `ws://127.0.0.1:${port}/ws`,
    getToken: async () => 'token',
    environment: nodeEnvironment({ WebSocket }),
    machine: { baseMs: 10, maxMs: 20 },
  });
  client.onStateChange(onState);
  client.watchOrder('order-1', () => undefined);
  return client;
}

const listen = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
  });

const server = await listen();
const { port } = server.address();
const cases = {
  /** Nobody listens there: each attempt is refused. */
  refused: () => {
    let attempts = 0;
    server.close(() => {
      const client = watch(port, () => {
        if (client.getState().status !== 'waiting') return;
        attempts += 1;
        if (attempts === 3) client.close();
      });
    });
  },
  /** The connection is given up before the handshake is answered. */
  'given up': () => {
    const client = watch(port, () => undefined);
    server.once('connection', (socket) => {
      socket.on('error', () => undefined);
      client.close();
      server.close();
      setTimeout(() => socket.destroy(), 100);
    });
  },
};
cases[process.argv[2]]();
process.on('exit', (code) => {
  if (code === 0) process.stdout.write('ended by itself');
});
