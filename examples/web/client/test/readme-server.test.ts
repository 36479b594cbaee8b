// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { monotonicClock, type Socket, systemTimers } from '../src/environment.ts';
import { OrderClient } from '../src/order-client.ts';

/** The README's server, when the build says where it is. */
const program = process.env.MINIMAL_PATH;
/** Node 20 has no WebSocket of its own; the tests' browser has. */
interface WithWebSocket {
  JSDOM: new (
    html: string,
    options: { url: string },
  ) => { window: { WebSocket: typeof WebSocket } };
}
let server: ChildProcess | undefined;

afterEach(() => {
  server?.kill();
});

async function start(): Promise<string> {
  server = spawn(program as string, ['0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: server.stdout as NodeJS.ReadableStream });
  for await (const line of lines) return line.replace('listening on ', '');
  throw new Error('The server did not say where it listens');
}

describe.skipIf(program === undefined)('the README’s server', () => {
  it('tells this client of every change, and of those that it missed', async () => {
    const url = await start();
    const { JSDOM } = (await import('jsdom' as string)) as WithWebSocket;
    const { WebSocket } = new JSDOM('', { url: url.replace(/^ws(.*)\/ws$/, 'http$1/') }).window;
    const problems: unknown[] = [];
    const clientOf = (): OrderClient =>
      new OrderClient({
        url,
        getToken: async () => 'alice',
        environment: {
          openSocket: (to, protocols) => new WebSocket(to, protocols) as unknown as Socket,
          timers: systemTimers,
          lifecycle: {
            onWake: () => () => undefined,
            isOnline: () => true,
            onOnlineChange: () => () => undefined,
          },
          now: monotonicClock(),
          random: () => Math.random(),
        },
        onProblem: (problem) => problems.push(problem),
      });
    const change = () => fetch(url.replace(/^ws(.*)\/ws$/, 'http$1/'), { method: 'POST' });
    const seen: [number, string][] = [];

    const client = clientOf();
    client.watchOrder('order-1', ({ version, status }) => seen.push([version, status]));
    await vi.waitFor(() => expect(seen).toEqual([[1, 'PENDING']]), { timeout: 10_000 });
    await change();
    await vi.waitFor(() => expect(seen.at(-1)).toEqual([2, 'CONFIRMED']), { timeout: 10_000 });
    client.close();
    await change();

    const later = clientOf();
    later.watchOrder('order-1', ({ version, status }) => seen.push([version, status]));
    await vi.waitFor(() => expect(seen.at(-1)).toEqual([3, 'CONFIRMED']), { timeout: 10_000 });
    later.close();
    expect(problems).toEqual([]);
  });
});
