// SPDX-License-Identifier: MIT

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../../../', import.meta.url));

/** Where the tests leave pictures. */
export const pictures = resolve(process.env.ORDERCAST_PICTURES ?? join(repository, 'build/e2e'));

const program = resolve(
  process.env.ORDER_SERVER_PATH ?? join(repository, 'build/dev/order_server'),
);
const webRoot = resolve(process.env.ORDERCAST_WEB_ROOT ?? join(repository, 'build/web'));

/** HS256 and payment secrets of the tests' servers. */
export const jwtSecret = 'a secret of the browser tests, long enough';
export const paymentSecret = 'a payment secret of the browser tests';

/** A real order_server with a database of its own, which outlives its restarts. */
export class Server {
  #folder = mkdtempSync(join(tmpdir(), 'ordercast-e2e-'));
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process;
  #log = '';
  port = 0;

  /** @param {{ env?: Record<string, string | undefined>, args?: string[] }} [options] */
  static async start(options = {}) {
    const server = new Server();
    await server.start(options);
    return server;
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** @param {{ env?: Record<string, string | undefined>, args?: string[] }} [options] */
  async start({ env = {}, args = [] } = {}) {
    for (const needed of [program, join(webRoot, 'index.html')]) {
      if (!existsSync(needed)) throw new Error(`${needed} is missing: build it first`);
    }
    const child = spawn(
      program,
      [
        ...['--port', '0', '--db', join(this.#folder, 'orders.db'), '--web-root', webRoot],
        ...['--log-level', 'warn', ...args],
      ],
      {
        env: { JWT_SECRET: jwtSecret, RAZORPAY_KEY_SECRET: paymentSecret, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#process = child;
    child.stderr.on('data', (text) => {
      this.#log += text;
    });
    const line = await Promise.race([
      new Promise((done) => createInterface({ input: child.stdout }).once('line', done)),
      new Promise((_, fail) => {
        child.once('error', fail);
        child.once('exit', (code) => fail(new Error(`order_server ended (${code}): ${this.#log}`)));
      }),
    ]);
    const match = /^listening on http:\/\/127\.0\.0\.1:(\d+) /.exec(String(line));
    if (match === null) throw new Error(`not what a server says: ${line}`);
    this.port = Number(match[1]);
  }

  /** Ends it at once, as a crash would. @param {NodeJS.Signals} [signal] */
  async kill(signal = 'SIGKILL') {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await ended;
  }

  /** Kills it and starts it on its database. @param {{ env?: Record<string, string | undefined> }} [options] */
  async restart(options = {}) {
    await this.kill();
    await this.start(options);
  }

  /** Another customer, as an operator adds one while it serves. @param {string} email @param {string} password */
  addCustomer(email, password) {
    this.operate(['user', 'add', '--email', email, '--role', 'CUSTOMER'], password);
  }

  /** What an operator's command prints. @param {string[]} command @param {string} [password] */
  operate(command, password = '') {
    const { status, stdout, stderr } = spawnSync(
      program,
      [...command, '--db', join(this.#folder, 'orders.db')],
      { input: `${password}\n`, encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`${command.join(' ')} ended (${status}): ${stderr}`);
    return stdout.trim();
  }

  async dispose() {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
