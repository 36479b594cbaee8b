// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { accounts } from './api.js';
import { pictures } from './server.js';

/** @typedef {import('playwright-core').Page} Page */

/** As long as a page may take on a machine that is busy with other things. */
export const patience = Number(process.env.ORDERCAST_PATIENCE_MS ?? 45_000);

/** Debian's chromium with a fresh profile. */
export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    headless: true,
    timeout: 120_000,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/**
 * What the page's sockets do, in `window.sockets`: when each was opened (by the page's clock) and how it ended.
 * Also lets a test say that the tab is hidden, which a headless browser never is.
 */
function instrument() {
  /** @type {any} */
  const scope = globalThis;
  const RealWebSocket = scope.WebSocket;
  scope.sockets = [];
  scope.WebSocket = class extends RealWebSocket {
    /** @param {any[]} parameters */
    constructor(...parameters) {
      super(...parameters);
      const entry = {
        at: Date.now(),
        url: this.url,
        opened: false,
        closed: false,
        code: 0,
        sent: [],
      };
      Object.assign(this, { entry });
      scope.sockets.push(entry);
      this.addEventListener('open', () => {
        entry.opened = true;
      });
      this.addEventListener('close', (/** @type {any} */ event) => {
        entry.closed = true;
        entry.code = event.code;
      });
    }
    /** @param {any} text */
    send(text) {
      /** @type {any} */ (this).entry.sent.push(text);
      super.send(text);
    }
  };
  let visibility = 'visible';
  Object.defineProperty(document, 'visibilityState', { get: () => visibility });
  scope.setVisibility = (/** @type {string} */ next) => {
    visibility = next;
    document.dispatchEvent(new Event('visibilitychange'));
  };
}

/**
 * @typedef {object} SocketEntry
 * @property {number} at
 * @property {string} url
 * @property {boolean} opened
 * @property {boolean} closed
 * @property {number} code
 * @property {string[]} sent
 */

/** The sockets that the page has made. @param {Page} page @returns {Promise<SocketEntry[]>} */
export function sockets(page) {
  return page.evaluate(() => /** @type {any} */ (globalThis).sockets);
}

/** @param {Page} page @param {'visible' | 'hidden'} state */
export function setVisibility(page, state) {
  return page.evaluate((next) => /** @type {any} */ (globalThis).setVisibility(next), state);
}

/**
 * A page in a context of its own: nothing is remembered from another. What its console says of faults fails the test
 * at `close()`.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {{ width?: number, height?: number, colorScheme?: 'light' | 'dark', clock?: boolean, reducedMotion?: 'reduce',
 *   hasTouch?: boolean, settings?: object }} [options] `settings`: the admin panel's, as its page of settings stores them
 */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 860 },
    colorScheme: options.colorScheme ?? 'light',
    reducedMotion: options.reducedMotion ?? null,
    hasTouch: options.hasTouch ?? false,
    deviceScaleFactor: 1,
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  context.setDefaultTimeout(patience);
  await context.addInitScript(instrument);
  if (options.settings) {
    await context.addInitScript((settings) => {
      localStorage.setItem('ordercast-admin-settings', settings);
    }, JSON.stringify(options.settings));
  }
  const page = await context.newPage();
  if (options.clock) await page.clock.install();
  return page;
}

/** Faults that the console told of: scripts that failed, and what the content security policy stopped. */
const faults = new WeakMap();

/** @param {Page} page */
export function watchFaults(page) {
  /** @type {string[]} */
  const found = [];
  faults.set(page, found);
  page.on('pageerror', (error) => found.push(String(error)));
  page.on('console', (message) => {
    const text = message.text();
    // A network that is down is what some tests are about.
    if (message.type() === 'error' && !/net::ERR|WebSocket connection|Failed to load/.test(text)) {
      found.push(text);
    }
  });
}

/** @param {Page} page */
export function assertNoFaults(page) {
  assert.deepEqual(faults.get(page) ?? [], []);
}

/** @param {Page} page @param {string} origin @param {import('./api.js').Account} account */
export async function signIn(page, origin, account) {
  watchFaults(page);
  await page.goto(`${origin}/`);
  await page.getByLabel('Email').fill(accounts[account].email);
  await page.getByLabel('Password', { exact: true }).fill(accounts[account].password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Orders' }).waitFor();
}

/** Waits for the pill to say so. @param {Page} page @param {'live' | 'waiting' | 'connecting' | 'refused'} state */
export async function connectionIs(page, state) {
  await page.locator(`.connection[data-state="${state}"]`).waitFor();
}

/**
 * A page of its own on which `account` is signed in and the connection is live.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {string} origin
 * @param {import('./api.js').Account} account
 * @param {Parameters<typeof openPage>[1]} [options]
 */
export async function openLivePage(browser, origin, account, options) {
  const page = await openPage(browser, options);
  await signIn(page, origin, account);
  await connectionIs(page, 'live');
  return page;
}

/** @param {Page} page @param {string} orderId */
export async function openOrder(page, orderId) {
  await page.evaluate((id) => {
    location.hash = `#/orders/${id}`;
  }, orderId);
  await page.locator(`article[data-order-id="${orderId}"]`).waitFor();
}

/** Waits until the order's own page shows this status. @param {Page} page @param {string} status */
export async function orderShows(page, status) {
  await page.locator(`.order-title [data-status="${status}"]:not([data-unsent])`).waitFor();
}

/** Waits until the list shows this status of that order. @param {Page} page @param {string} orderId @param {string} status */
export async function listShows(page, orderId, status) {
  await page
    .locator(`tr[data-order-id="${orderId}"] [data-status="${status}"]:not([data-unsent])`)
    .waitFor();
}

/**
 * Waits until `check` is true; asks again and again, in real time.
 *
 * @param {string} what
 * @param {() => boolean | Promise<boolean>} check
 */
export async function until(what, check) {
  const deadline = Date.now() + patience;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`this did not happen: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** A picture to look at. @param {Page} page @param {string} name */
export async function picture(page, name) {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), animations: 'disabled' });
}
