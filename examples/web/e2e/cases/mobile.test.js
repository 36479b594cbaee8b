// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { accounts } from '../harness/api.js';
import {
  assertNoFaults,
  patience,
  picture,
  sockets,
  until,
  watchFaults,
} from '../harness/browser.js';
import { listShows, openPhone, orderShows, signInLive, testPayments } from '../harness/mobile.js';
import { openShop } from '../harness/shop.js';

/** @typedef {import('playwright-core').Page} Page */

/** @param {Page} page @param {string} orderId */
async function open(page, orderId) {
  await page.getByTestId(`order-${orderId}`).click();
  await page.getByTestId('order-detail').waitFor();
}

describe('the mobile app', { timeout: 10 * patience }, () => {
  const shop = openShop(testPayments);
  /** @type {Page} */
  let page;

  beforeEach(async () => {
    page = await openPhone(shop.browser);
  });
  afterEach(async () => {
    assertNoFaults(page);
    await page.context().close();
  });

  it('says in words that a password is wrong', async () => {
    watchFaults(page);
    await page.goto(`${shop.server.origin}/mobile/`);
    await page.getByLabel('Email').fill(accounts.customer.email);
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    const alert = page.getByRole('alert');
    await alert.waitFor();
    assert.match((await alert.textContent()) ?? '', /password/i);
  });

  it('mobile order detail open, admin changes status, the update is seen without reload', async () => {
    const { id } = await shop.customer.placeOrder();
    await signInLive(page, shop.server.origin);
    await open(page, id);
    await orderShows(page, 'PENDING');
    await shop.admin.setStatus(id, 'CONFIRMED', 'The kitchen has it');
    await orderShows(page, 'CONFIRMED');
    await page.getByText('The kitchen has it').waitFor();
    await shop.admin.setStatus(id, 'PREPARING');
    await orderShows(page, 'PREPARING');
    await picture(page, 'mobile-order');
    assert.equal((await sockets(page)).length, 1, 'one socket for the list and the order');
  });

  it('mobile orders tab refreshes', async () => {
    const { id } = await shop.customer.placeOrder();
    await signInLive(page, shop.server.origin);
    await listShows(page, id, 'PENDING');
    await shop.admin.setStatus(id, 'CONFIRMED');
    await listShows(page, id, 'CONFIRMED');
    const another = await shop.customer.placeOrder();
    await listShows(page, another.id, 'PENDING');
    for (const status of ['PREPARING', 'READY', 'OUT_FOR_DELIVERY']) {
      await shop.admin.setStatus(id, status);
    }
    await listShows(page, id, 'OUT_FOR_DELIVERY');
    await picture(page, 'mobile-orders');
  });

  it('asks the server again when it is told to', async () => {
    await signInLive(page, shop.server.origin);
    const asked = page.waitForRequest((request) => request.url().includes('/api/v1/orders?'));
    await page.getByRole('button', { name: 'Refresh' }).click();
    await asked;
  });

  it('cancels only after a question', async () => {
    const { id } = await shop.customer.placeOrder();
    await signInLive(page, shop.server.origin);
    await open(page, id);
    await page.getByRole('button', { name: 'Cancel order' }).click();
    await page.getByRole('button', { name: 'Keep it' }).click();
    await orderShows(page, 'PENDING');
    await page.getByRole('button', { name: 'Cancel order' }).click();
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await orderShows(page, 'CANCELLED');
    assert.equal((await shop.admin.call('GET', `/orders/${id}`)).status, 'CANCELLED');
  });

  it('says so when the kitchen was faster than the cancellation', async () => {
    const { id } = await shop.customer.placeOrder();
    await signInLive(page, shop.server.origin);
    await open(page, id);
    await page.getByRole('button', { name: 'Cancel order' }).click();
    await page.route('**/cancel', async (route) => {
      await shop.admin.setStatus(id, 'CONFIRMED');
      await shop.admin.setStatus(id, 'PREPARING');
      await route.continue();
    });
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await orderShows(page, 'PREPARING');
    assert.equal(await page.getByRole('button', { name: 'Cancel order' }).count(), 0);
  });

  it('pays with a test payment, which confirms the order', async () => {
    const { id } = await shop.customer.placeOrder('ONLINE');
    await signInLive(page, shop.server.origin);
    await open(page, id);
    await page.getByRole('button', { name: /^Pay / }).click();
    await orderShows(page, 'CONFIRMED');
    await page.getByText(/^Paid/).waitFor();
    const { paymentStatus } = await shop.admin.call('GET', `/orders/${id}`);
    assert.equal(paymentStatus, 'PAID');
    await until('there is nothing left to pay', async () => {
      return (await page.getByRole('button', { name: /^Pay / }).count()) === 0;
    });
  });

  it('goes on with its session after a reload, and forgets it at sign-out', async () => {
    await signInLive(page, shop.server.origin);
    await page.reload();
    await page.getByTestId('connection-live').waitFor();
    await page.getByRole('button', { name: /Sign out/ }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
  });

  it('follows the dark colour scheme', async () => {
    const dark = await openPhone(shop.browser, { colorScheme: 'dark' });
    await signInLive(dark, shop.server.origin);
    await picture(dark, 'mobile-orders-dark');
    assertNoFaults(dark);
    await dark.context().close();
  });
});
