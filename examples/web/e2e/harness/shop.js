// SPDX-License-Identifier: MIT

import { after, before } from 'node:test';
import { ApiUser } from './api.js';
import { launchBrowser } from './browser.js';
import { Server } from './server.js';

/**
 * @typedef {object} Shop
 * @property {Server} server
 * @property {import('playwright-core').Browser} browser
 * @property {ApiUser} admin
 * @property {ApiUser} customer
 */

/**
 * Starts a server and a browser before the first case of the suite that calls it, and ends both after the last one.
 * `admin` and `customer` are signed in at the server, beside the browser.
 *
 * @param {Parameters<typeof Server.start>[0]} [options]
 * @returns {Shop} empty until the cases run
 */
export function openShop(options) {
  const shop = /** @type {Shop} */ ({});
  before(async () => {
    const browser = launchBrowser().then((launched) => {
      shop.browser = launched;
    });
    shop.server = await Server.start(options);
    shop.admin = await ApiUser.signIn(shop.server, 'admin');
    shop.customer = await ApiUser.signIn(shop.server, 'customer');
    await browser;
  });
  after(async () => {
    await shop.browser?.close();
    await shop.server?.dispose();
  });
  return shop;
}
