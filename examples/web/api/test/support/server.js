// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The order server, when the build says where it is. */
export const program = process.env.ORDER_SERVER_PATH;

/** A real order_server with demo data: `{ origin, end(signal) }`. */
export async function startServer({ args = [], env = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'ordercast-api-'));
  const child = spawn(
    program,
    ['--port', '0', '--db', join(folder, 'orders.db'), '--log-level', 'warn', ...args],
    { env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (text) => {
    log += text;
  });
  const ended = new Promise((done) => child.once('close', done));
  const line = await Promise.race([
    new Promise((done) => createInterface({ input: child.stdout }).once('line', done)),
    ended.then((code) => Promise.reject(new Error(`order_server ended (${code}): ${log}`))),
  ]);
  const [, origin] = /^listening on (http:\/\/127\.0\.0\.1:\d+) /.exec(line);
  return {
    origin,
    async end(signal = 'SIGKILL') {
      if (child.exitCode !== null) return;
      child.kill(signal);
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
