// SPDX-License-Identifier: MIT
// permessage-deflate between the order server and a WebSocket client that is not ours: npm's `ws`, which
// offers it by itself, as browsers do. Usage: compression.mjs ORDER_SERVER [its further arguments]
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

const [program, ...options] = process.argv.slice(2);
const work = mkdtempSync(join(tmpdir(), 'compression-'));
const patience = AbortSignal.timeout(60_000);
const agreed = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

async function start(...more) {
  const server = spawn(program, ['--port', '0', '--db', join(work, 'orders.db'), ...options, ...more], {
    env: { ...process.env, JWT_SECRET: '0123456789abcdef0123456789abcdef' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await once(createInterface({ input: server.stdout }), 'line', { signal: patience });
  return { server, http: line.match(/http:\S+/)[0], ws: line.match(/ws:\S+/)[0] };
}

async function stop({ server }) {
  server.kill('SIGTERM');
  assert.deepEqual(await once(server, 'exit', { signal: patience }), [0, null]);
}

async function call(address, method, path, token, body) {
  const reply = await fetch(`${address}/api/v1${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    body: body && JSON.stringify(body),
  });
  assert.equal(reply.status, 200, `${method} ${path}`);
  return (await reply.json()).data;
}

/** A client and what it has heard; `extensions` is what its handshake was answered with. */
async function connect(running, token, perMessageDeflate) {
  const socket = new WebSocket(`${running.ws}?token=${token}`, { perMessageDeflate });
  const messages = [];
  socket.on('message', (data) => messages.push(JSON.parse(data.toString())));
  const closed = once(socket, 'close', { signal: patience });
  const [[response]] = await Promise.all([
    once(socket, 'upgrade', { signal: patience }),
    once(socket, 'open', { signal: patience }),
  ]);
  return {
    socket,
    closed,
    extensions: response.headers['sec-websocket-extensions'],
    tcp: response.socket,
    send: (message) => socket.send(JSON.stringify(message)),
    async heard(wanted) {
      for (;;) {
        const found = messages.find(wanted);
        if (found) return found;
        await once(socket, 'message', { signal: patience });
      }
    },
  };
}

async function check(running) {
  const { accessToken: token } = await call(running.http, 'POST', '/auth/login', undefined, {
    email: 'admin@martly.dev',
    password: 'admin123',
  });
  const [order] = await call(running.http, 'GET', '/orders?status=PENDING', token);
  const kinds = [
    { offer: false, answer: undefined },
    { offer: true, answer: agreed },
    { offer: { threshold: 0, clientMaxWindowBits: 9 }, answer: agreed },
    { offer: { threshold: 0, serverMaxWindowBits: 10 }, answer: `${agreed}; server_max_window_bits=10` },
    {
      offer: { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 15 },
      answer: `${agreed}; server_max_window_bits=15`,
    },
  ];
  const clients = [];
  for (const { offer, answer } of kinds) {
    const client = await connect(running, token, offer);
    assert.equal(client.extensions, answer);
    client.send({ type: 'subscribe', orderId: order.id, since: 0 });
    const snapshot = await client.heard((it) => it.type === 'order:updated');
    assert.equal(snapshot.data.id, order.id);
    clients.push(client);
  }
  const before = clients.map((client) => client.tcp.bytesRead);
  await call(running.http, 'PATCH', `/orders/${order.id}/status`, token, { status: 'CONFIRMED' });
  const updates = [];
  for (const client of clients) {
    updates.push(await client.heard((it) => it.type === 'order:updated' && it.data.status === 'CONFIRMED'));
    await client.heard((it) => it.type === 'orders:changed');
  }
  for (const update of updates) assert.deepEqual(update, updates[0]);
  const bytes = clients.map((client, i) => client.tcp.bytesRead - before[i]);
  console.log(`bytes of a change: plain ${bytes[0]}, compressed ${bytes[1]}`);
  assert.ok(bytes[1] < 0.75 * bytes[0], 'what was agreed on is compressed');

  // Each goes on working, and a bomb ends its own connection alone.
  clients[2].socket.send(' '.repeat(5_000_000));
  assert.equal((await clients[2].closed)[0], 1009);
  for (const client of clients.filter((_, i) => i !== 2)) {
    client.send({ type: 'ping' });
    await client.heard((it) => it.type === 'pong');
    client.socket.close(1000);
    assert.equal((await client.closed)[0], 1000);
  }
}

async function checkOff(running) {
  const { accessToken: token } = await call(running.http, 'POST', '/auth/login', undefined, {
    email: 'admin@martly.dev',
    password: 'admin123',
  });
  const client = await connect(running, token, true);
  assert.equal(client.extensions, undefined);
  client.socket.close(1000);
  await client.closed;
}

let running;
try {
  running = await start();
  await check(running);
  await stop(running);
  running = await start('--permessage-deflate', 'off');
  await checkOff(running);
  await stop(running);
  running = undefined;
  console.log('compression: all as agreed');
} finally {
  running?.server.kill('SIGKILL');
  rmSync(work, { recursive: true, force: true });
}
