// SPDX-License-Identifier: MIT
// A shop that starts with no demo data, and takes no online payments.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertAxeClean } from '../harness/axe.js';
import { launchBrowser, openPage, patience } from '../harness/browser.js';
import { openPhone, ordersAreLive } from '../harness/mobile.js';
import { Server } from '../harness/server.js';

const customer = { email: 'asha@shop.test', password: 'a password of hers' };

describe('a shop of one’s own', { timeout: 20 * patience }, () => {
  /** @type {Server} */
  let server;
  /** @type {import('playwright-core').Browser} */
  let browser;

  before(async () => {
    const launched = launchBrowser();
    server = await Server.start({
      env: { RAZORPAY_KEY_SECRET: undefined },
      args: ['--demo-data', 'off'],
    });
    const store = server.operate(['store', 'add', '--org', 'org-1', '--name', 'Corner Shop']);
    server.operate(['product', 'add', '--store', store, '--name', 'Milk', '--price', '12.50']);
    server.addCustomer(customer.email, customer.password);
    browser = await launched;
  });
  after(async () => {
    await browser?.close();
    await server?.dispose();
  });

  it('offers no demo accounts at the sign-in', async () => {
    const page = await openPage(browser);
    const health = page.waitForResponse(/healthz/);
    await page.goto(server.origin);
    await health;
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Manager', exact: true }).count(), 0);
    await assertAxeClean(page);
    await page.context().close();
  });

  it('takes demo accounts back at the sign-in, if it could not say that it has none', async () => {
    const page = await openPage(browser);
    await page.route(/healthz/, (route) => route.abort());
    await page.goto(server.origin);
    const demo = page.getByRole('button', { name: 'Manager', exact: true });
    await demo.click();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('This server has no demo accounts.').waitFor();
    assert.equal(await demo.count(), 0);
    await assertAxeClean(page);
    await page.context().close();
  });

  it('has orders paid in cash, since it takes no online payments', async () => {
    const page = await openPhone(browser);
    await page.goto(`${server.origin}/mobile/`);
    await page.getByLabel('Email').fill(customer.email);
    await page.getByLabel('Password').fill(customer.password);
    await page.keyboard.press('Enter');
    await ordersAreLive(page);
    await page.getByRole('link', { name: 'New order' }).click();
    await page.getByRole('button', { name: /Milk/ }).last().click();
    await page.getByLabel('Address').fill('1 Quiet Street');
    assert.deepEqual(await page.locator('input[type="radio"][value="ONLINE"]').count(), 0);
    assert.ok(await page.locator('input[type="radio"][value="COD"]').isChecked());
    await assertAxeClean(page);
    await page.getByRole('button', { name: 'Place order' }).click();
    await page.getByTestId('order-detail').getByText('Pay in cash at the door').waitFor();
    await page.context().close();
  });
});
