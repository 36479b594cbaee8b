// SPDX-License-Identifier: MIT

/**
 * How smooth the panel is while 10 orders a second change, on a processor slowed four times, and when its first form is
 * there on a slow line: `node bench/frames.js [SECONDS]`. A report, not a test: the numbers are this machine's.
 */

import { ApiUser } from '../harness/api.js';
import { launchBrowser, openLivePage, openPage } from '../harness/browser.js';
import { Server } from '../harness/server.js';

const seconds = Number(process.argv[2] ?? 20);
const changesPerSecond = 10;
const slowdown = 4;
const slowLine = { latencyMs: 400, bytesPerSecond: 50_000 };
const steps = ['CONFIRMED', 'PREPARING', 'READY', 'OUT_FOR_DELIVERY', 'DELIVERED'];

const [server, browser] = await Promise.all([
  Server.start({ args: ['--writes-per-second', '0', '--staff-writes-per-second', '0'] }),
  launchBrowser(),
]);
try {
  const { p95, longest, lists, changes } = await measureFrames();
  const formMs = await measureFirstForm();
  process.stdout.write(
    [
      `${changes} changes in ${seconds} s, processor slowed ${slowdown} times:`,
      `  p95 of a frame   ${p95.toFixed(1)} ms (goal: 50)`,
      `  longest task     ${longest.toFixed(1)} ms (goal: 100)`,
      `  lists asked for  ${lists} (goal: ${Math.floor(seconds / 2) + 1})`,
      `first form at ${slowLine.bytesPerSecond / 1000} kB/s and ${slowLine.latencyMs} ms: ${formMs} ms (goal: 4000)`,
      '',
    ].join('\n'),
  );
} finally {
  await browser.close();
  await server.dispose();
}

async function measureFrames() {
  const admin = await ApiUser.signIn(server, 'admin');
  const customer = await ApiUser.signIn(server, 'customer');
  const page = await openLivePage(browser, server.origin, 'admin');
  await page.locator('tbody tr').first().waitFor();
  let lists = 0;
  page.on('request', (request) => {
    if (/\/orders\?/.test(request.url())) lists += 1;
  });
  const inspector = await page.context().newCDPSession(page);
  await inspector.send('Emulation.setCPUThrottlingRate', { rate: slowdown });
  await page.evaluate(() => {
    const scope = /** @type {any} */ (globalThis);
    scope.frames = [];
    scope.tasks = [0];
    new PerformanceObserver((found) => {
      for (const { duration } of found.getEntries()) scope.tasks.push(duration);
    }).observe({ type: 'longtask' });
    let last = performance.now();
    const frame = () => {
      const now = performance.now();
      scope.frames.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  const changes = await keepChanging(admin, customer);
  const { frames, tasks } = await page.evaluate(() => {
    const { frames: all, tasks: long } = /** @type {any} */ (globalThis);
    return {
      frames: /** @type {number[]} */ (all).sort((a, b) => a - b),
      tasks: /** @type {number[]} */ (long),
    };
  });
  await page.context().close();
  return {
    p95: frames[Math.floor(frames.length * 0.95)] ?? 0,
    longest: Math.max(...tasks),
    lists,
    changes,
  };
}

/** Orders come, and go through all their steps. @param {ApiUser} admin @param {ApiUser} customer */
async function keepChanging(admin, customer) {
  /** @type {{ id: string, step: number }[]} */
  let open = [];
  let changes = 0;
  const from = Date.now();
  while (Date.now() - from < seconds * 1000) {
    const due = from + (changes * 1000) / changesPerSecond;
    await new Promise((done) => setTimeout(done, Math.max(0, due - Date.now())));
    changes += 1;
    const order = open[changes % 8];
    if (order === undefined) {
      open.push({ id: (await customer.placeOrder()).id, step: 0 });
    } else {
      await admin.setStatus(order.id, /** @type {string} */ (steps[order.step]));
      order.step += 1;
      open = open.filter(({ step }) => step < steps.length);
    }
  }
  return changes;
}

async function measureFirstForm() {
  const page = await openPage(browser);
  const inspector = await page.context().newCDPSession(page);
  await inspector.send('Network.enable');
  await inspector.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: slowLine.latencyMs,
    downloadThroughput: slowLine.bytesPerSecond,
    uploadThroughput: slowLine.bytesPerSecond,
  });
  const from = Date.now();
  await page.goto(server.origin, { waitUntil: 'commit' });
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  const ms = Date.now() - from;
  await page.context().close();
  return ms;
}
