// SPDX-License-Identifier: MIT
// What cases do in the customers' app.

import { accounts } from './api.js';
import { openPage, watchFaults } from './browser.js';

/** @typedef {import('playwright-core').Page} Page */

/** Without a key secret the server signs test payments and refunds at once, as it does in the demo. */
export const testPayments = { env: { RAZORPAY_KEY_SECRET: undefined } };

/** @param {import('playwright-core').Browser} browser @param {Parameters<typeof openPage>[1]} [options] */
export const openPhone = (browser, options) =>
  openPage(browser, { width: 390, height: 844, ...options });

/**
 * Fills in the form and presses Enter; does not wait for the next screen.
 *
 * @param {Page} page
 * @param {string} origin
 * @param {string} [hash] the screen to go to, such as `#/orders/ID`
 * @param {import('./api.js').Account} [account]
 */
export async function signIn(page, origin, hash = '', account = 'customer') {
  watchFaults(page);
  await page.goto(`${origin}/mobile/${hash}`);
  await page.getByLabel('Email').fill(accounts[account].email);
  await page.getByLabel('Password').fill(accounts[account].password);
  await page.keyboard.press('Enter');
}

/** Waits for the list of orders and its connection. @param {Page} page */
export async function ordersAreLive(page) {
  await page.getByRole('heading', { name: 'My orders' }).waitFor();
  await page.getByTestId('connection-live').waitFor();
}

/** @param {Page} page @param {string} origin */
export async function signInLive(page, origin) {
  await signIn(page, origin);
  await ordersAreLive(page);
}

/** Waits until the order's own screen shows this status. @param {Page} page @param {string} status */
export function orderShows(page, status) {
  return page.getByTestId('order-detail').getByTestId(`status-${status}`).waitFor();
}

/** Waits until the list shows this status of that order. @param {Page} page @param {string} orderId @param {string} status */
export function listShows(page, orderId, status) {
  return page.getByTestId(`order-${orderId}`).getByTestId(`status-${status}`).waitFor();
}
