// SPDX-License-Identifier: MIT
// A cluster that runs: its parts, the page that shows them, and the socket by which other terminals speak to it.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { get, makeParts } from './parts.mjs';

const page = readFileSync(new URL('page.html', import.meta.url));

/** Prints a line for a step, with the time that it took. */
async function step(name, work) {
  const from = Date.now();
  process.stdout.write(`${name.padEnd(24)} `);
  const result = await work();
  process.stdout.write(`${((Date.now() - from) / 1000).toFixed(1).padStart(5)} s\n`);
  return result;
}

async function describe(part) {
  const line = { name: part.name, pid: part.pid, port: part.port };
  if (!part.pid || !part.name.startsWith('node')) return line;
  const [ready, metrics] = await Promise.allSettled([get(part.port, '/readyz'), get(part.port, '/metrics')]);
  if (metrics.status === 'fulfilled') {
    line.sockets = Number(/^ordercast_connections(?:\{.*\})? (\d+)/m.exec(metrics.value.body)?.[1] ?? 0);
  }
  if (ready.status !== 'fulfilled') {
    line.state = 'no answer';
  } else {
    line.state = ready.value.status === 200 ? 'ready' : 'not ready';
    try {
      const behind = JSON.parse(ready.value.body).data?.behind;
      if (behind) line.state += `, behind: ${behind}`;
    } catch { /* The status says enough. */ }
  }
  return line;
}

export class Cluster {
  ending = false;

  /** `state` is the path of the socket for other terminals. */
  constructor(state) {
    this.state = state;
    // In the system's folder for temporary files, because the database's user has to reach it.
    this.folder = mkdtempSync(join(tmpdir(), 'ordercast-cluster-'));
    chmodSync(this.folder, 0o711);
  }

  start(options) {
    this.starting = this.startAll(options);
    return this.starting;
  }

  async startAll(options) {
    const logs = options.logs;
    mkdirSync(logs, { recursive: true });
    this.pageServer = await listen((call, answer) => this.servePage(call, answer), { port: 0, host: '127.0.0.1' });
    const { database, nats, servers, front } = await step('prepare', () => makeParts({
      ...options, folder: this.folder, pagePort: this.pageServer.address().port }));
    Object.assign(this, { nats, servers, front, database, parts: [database, ...nats, ...servers, front] });
    this.throwIfEnding();
    await step('PostgreSQL', () => database.start());
    this.throwIfEnding();
    await step('three NATS servers', () => Promise.all(nats.map((part) => part.start(part.isWhole))));
    for (const server of servers) {
      this.throwIfEnding();
      await step(server.name, () => server.start());
    }
    this.throwIfEnding();
    await step('HAProxy', () => front.start());
    this.throwIfEnding();
    this.control = await listen((call, answer) => this.obey(call, answer), { path: this.state });
    for (const part of this.parts) {
      part.onEnd = (how) => { if (!this.ending) console.log(`${part.name} ended: ${how}`); };
    }
  }

  throwIfEnding() {
    if (this.ending) throw new Error('ended before everything ran');
  }

  /** Ends everything, clients first. Can be called at any time, and again. */
  async end() {
    if (this.ending) return this.ended;
    this.ending = true;
    this.ended = (async () => {
      this.control?.close();
      const parts = this.parts ?? [];
      const nodes = parts.filter(({ name }) => name.startsWith('node'));
      await Promise.all(nodes.map((part) => part.stop()));
      await Promise.all(parts.map((part) => part.stop()));
      this.pageServer?.close();
      this.pageServer?.closeAllConnections();
      await this.starting?.catch(() => {});
      rmSync(this.folder, { recursive: true, force: true });
    })();
    return this.ended;
  }

  async status() {
    return Promise.all(this.parts.map(describe));
  }

  async servePage(call, answer) {
    if (call.url === '/cluster/status') return reply(answer, 200, 'application/json', JSON.stringify(await this.status()));
    if (call.url === '/cluster') return reply(answer, 200, 'text/html; charset=utf-8', page);
    return reply(answer, 404, 'text/plain', 'not found');
  }

  /** A command from another terminal, by a socket that only this user can open. */
  async obey(call, answer) {
    const [, verb, name] = call.url.split('/');
    if (verb === 'status') return reply(answer, 200, 'application/json', JSON.stringify(await this.status()));
    const part = this.parts.find((one) => one.name === name);
    if (!part) {
      return reply(answer, 404, 'text/plain',
        `there is no part '${name}'; the parts are ${this.parts.map((one) => one.name).join(', ')}`);
    }
    try {
      if (verb === 'kill') await part.kill();
      if (verb === 'restart') await part.stop();
      if (verb !== 'kill') await part.start();
      if (verb !== 'kill') console.log(`${name} runs again`);
      return reply(answer, 200, 'text/plain', '');
    } catch (error) {
      return reply(answer, 409, 'text/plain', error.message);
    }
  }
}

function reply(answer, status, type, body) {
  answer.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(body);
}

async function listen(handler, where) {
  const server = createServer((call, answer) => {
    Promise.resolve(handler(call, answer)).catch((error) => reply(answer, 500, 'text/plain', error.message));
  });
  await new Promise((done, fail) => server.once('error', fail).listen(where, done));
  if (where.path) chmodSync(where.path, 0o600);
  return server;
}

