// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { ApiUser, accounts } from '../harness/api.js';
import {
  assertNoFaults,
  launchBrowser,
  openPage,
  patience,
  picture,
  sockets,
  until,
  watchFaults,
} from '../harness/browser.js';
import { Server } from '../harness/server.js';

/** @typedef {import('playwright-core').Page} Page */

/** The app as a phone shows it, on react-native-web. @param {Page} page @param {Server} server */
async function signIn(page, server) {
  watchFaults(page);
  await page.goto(`${server.origin}/mobile/`);
  await page.getByLabel('Email').fill(accounts.customer.email);
  await page.getByLabel('Password').fill(accounts.customer.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'My orders' }).waitFor();
  await page.getByTestId('connection-live').waitFor();
}

/** @param {Page} page @param {string} orderId */
async function open(page, orderId) {
  await page.getByTestId(`order-${orderId}`).click();
  await page.getByTestId('order-detail').waitFor();
}

/** @param {Page} page @param {string} status */
function detailShows(page, status) {
  return page.getByTestId('order-detail').getByTestId(`status-${status}`).waitFor();
}

/** @param {Page} page @param {string} orderId @param {string} status */
function cardShows(page, orderId, status) {
  return page.getByTestId(`order-${orderId}`).getByTestId(`status-${status}`).waitFor();
}

describe('the mobile app', { timeout: 10 * patience }, () => {
  /** @type {Server} */
  let server;
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** @type {ApiUser} */
  let admin;
  /** @type {ApiUser} */
  let customer;
  /** @type {Page} */
  let page;

  before(async () => {
    // Without a key secret the server signs test payments, as it does in the demo.
    const env = { RAZORPAY_KEY_SECRET: undefined };
    [server, browser] = await Promise.all([Server.start({ env }), launchBrowser()]);
    admin = await ApiUser.signIn(server, 'admin');
    customer = await ApiUser.signIn(server, 'customer');
  });
  after(async () => {
    await browser?.close();
    await server?.dispose();
  });
  beforeEach(async () => {
    page = await openPage(browser, { width: 390, height: 844 });
  });
  afterEach(async () => {
    assertNoFaults(page);
    await page.context().close();
  });

  it('says in words that a password is wrong', async () => {
    watchFaults(page);
    await page.goto(`${server.origin}/mobile/`);
    await page.getByLabel('Email').fill(accounts.customer.email);
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    const alert = page.getByRole('alert');
    await alert.waitFor();
    assert.match((await alert.textContent()) ?? '', /password/i);
  });

  it('mobile order detail open, admin changes status, the update is seen without reload', async () => {
    const { id } = await customer.placeOrder();
    await signIn(page, server);
    await open(page, id);
    await detailShows(page, 'PENDING');
    await admin.setStatus(id, 'CONFIRMED', 'The kitchen has it');
    await detailShows(page, 'CONFIRMED');
    await page.getByText('The kitchen has it').waitFor();
    await admin.setStatus(id, 'PREPARING');
    await detailShows(page, 'PREPARING');
    await picture(page, 'mobile-order');
    assert.equal((await sockets(page)).length, 1, 'one socket for the list and the order');
  });

  it('mobile orders tab refreshes', async () => {
    const { id } = await customer.placeOrder();
    await signIn(page, server);
    await cardShows(page, id, 'PENDING');
    await admin.setStatus(id, 'CONFIRMED');
    await cardShows(page, id, 'CONFIRMED');
    const another = await customer.placeOrder();
    await cardShows(page, another.id, 'PENDING');
    for (const status of ['PREPARING', 'READY', 'OUT_FOR_DELIVERY']) {
      await admin.setStatus(id, status);
    }
    await cardShows(page, id, 'OUT_FOR_DELIVERY');
    await picture(page, 'mobile-orders');
  });

  it('asks the server again when it is told to', async () => {
    await signIn(page, server);
    const asked = page.waitForRequest((request) => request.url().includes('/api/v1/orders?'));
    await page.getByRole('button', { name: 'Refresh' }).click();
    await asked;
  });

  it('cancels only after a question', async () => {
    const { id } = await customer.placeOrder();
    await signIn(page, server);
    await open(page, id);
    await page.getByRole('button', { name: 'Cancel order' }).click();
    await page.getByRole('button', { name: 'Keep it' }).click();
    await detailShows(page, 'PENDING');
    await page.getByRole('button', { name: 'Cancel order' }).click();
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await detailShows(page, 'CANCELLED');
    assert.equal((await admin.call('GET', `/orders/${id}`)).status, 'CANCELLED');
  });

  it('says so when the kitchen was faster than the cancellation', async () => {
    const { id } = await customer.placeOrder();
    await signIn(page, server);
    await open(page, id);
    await page.getByRole('button', { name: 'Cancel order' }).click();
    await page.route('**/cancel', async (route) => {
      await admin.setStatus(id, 'CONFIRMED');
      await admin.setStatus(id, 'PREPARING');
      await route.continue();
    });
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await detailShows(page, 'PREPARING');
    assert.equal(await page.getByRole('button', { name: 'Cancel order' }).count(), 0);
  });

  it('pays with a test payment, which confirms the order', async () => {
    const { id } = await customer.placeOrder('ONLINE');
    await signIn(page, server);
    await open(page, id);
    await page.getByRole('button', { name: /^Pay / }).click();
    await detailShows(page, 'CONFIRMED');
    await page.getByText(/^Paid/).waitFor();
    const { paymentStatus } = await admin.call('GET', `/orders/${id}`);
    assert.equal(paymentStatus, 'PAID');
    await until('there is nothing left to pay', async () => {
      return (await page.getByRole('button', { name: /^Pay / }).count()) === 0;
    });
  });

  it('goes on with its session after a reload, and forgets it at sign-out', async () => {
    await signIn(page, server);
    await page.reload();
    await page.getByTestId('connection-live').waitFor();
    await page.getByRole('button', { name: /Sign out/ }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
  });

  it('follows the dark colour scheme', async () => {
    const dark = await openPage(browser, { width: 390, height: 844, colorScheme: 'dark' });
    await signIn(dark, server);
    await picture(dark, 'mobile-orders-dark');
    assertNoFaults(dark);
    await dark.context().close();
  });
});
