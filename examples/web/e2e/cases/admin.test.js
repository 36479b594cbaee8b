// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import axe from 'axe-core';
import { ApiUser } from '../harness/api.js';
import {
  assertNoFaults,
  connectionIs,
  launchBrowser,
  listShows,
  openLivePage,
  openOrder,
  openPage,
  orderShows,
  patience,
  picture,
  signIn,
  sockets,
  until,
} from '../harness/browser.js';
import { Server } from '../harness/server.js';

/** @param {import('playwright-core').Page} page */
async function assertAccessible(page) {
  // While something fades in, its colours are mixed with what is behind it.
  await until('nothing moves any more', () =>
    page.evaluate(() =>
      document
        .getAnimations()
        .every((animation) => animation.effect?.getComputedTiming().endTime === Infinity),
    ),
  );
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (globalThis).axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return violations.map((/** @type {any} */ violation) => ({
      id: violation.id,
      nodes: violation.nodes.map(
        (/** @type {any} */ node) => `${node.html} ${node.failureSummary}`,
      ),
    }));
  });
  assert.deepEqual(found, []);
}

describe('the admin panel', { timeout: 10 * patience }, () => {
  /** @type {Server} */
  let server;
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** @type {ApiUser} */
  let admin;
  /** @type {ApiUser} */
  let customer;

  before(async () => {
    [server, browser] = await Promise.all([Server.start(), launchBrowser()]);
    admin = await ApiUser.signIn(server, 'admin');
    customer = await ApiUser.signIn(server, 'customer');
  });
  after(async () => {
    await browser?.close();
    await server?.dispose();
  });

  it('says in words that a password is wrong', async () => {
    const page = await openPage(browser);
    await page.goto(server.origin);
    await assertAccessible(page);
    await page.getByLabel('Email').fill('admin@martly.dev');
    await page.getByLabel('Password', { exact: true }).fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').filter({ hasText: 'Invalid credentials' }).waitFor();
    await picture(page, 'admin-login');
    await page.context().close();
  });

  it('shows a changed row at once and highlights it', async () => {
    const page = await openLivePage(browser, server.origin, 'admin');
    const [order] = await admin.orders('PENDING');
    await listShows(page, order.id, 'PENDING');
    await admin.setStatus(order.id, 'CONFIRMED');
    await listShows(page, order.id, 'CONFIRMED');
    await page.locator(`tr[data-order-id="${order.id}"][data-changed]`).waitFor();
    await page.getByRole('log').filter({ hasText: 'Confirmed' }).waitFor({ state: 'attached' });
    assert.equal(await page.locator('tr[data-changed]').count(), 1);
    assertNoFaults(page);
    await page.context().close();
  });

  it('shows a new order at the top, highlighted', async () => {
    const page = await openLivePage(browser, server.origin, 'admin');
    const order = await customer.placeOrder();
    await page.locator(`tbody tr:first-child[data-order-id="${order.id}"][data-changed]`).waitFor();
    await page.context().close();
  });

  it('filters and pages, and the address remembers both', async () => {
    const page = await openPage(browser);
    await signIn(page, server.origin, 'admin');
    await page.getByRole('button', { name: 'Page 2' }).click();
    await page.getByText(/^21–/).waitFor();
    await page.reload();
    await page.getByText(/^21–/).waitFor();
    await page.getByRole('link', { name: 'Delivered', exact: true }).click();
    await page.getByText(/^1–/).waitFor();
    await until('only delivered orders are shown', async () => {
      const all = await page.locator('tbody [data-status]').count();
      return all > 0 && all === (await page.locator('tbody [data-status="DELIVERED"]').count());
    });
    await page.goBack();
    await page.getByText(/^21–/).waitFor();
    await page.context().close();
  });

  it('moves an order on, step by step, by the buttons that the contract allows', async () => {
    const page = await openPage(browser);
    await signIn(page, server.origin, 'admin');
    const { id } = (await admin.orders('PENDING')).find(
      (/** @type {any} */ order) => order.fulfillmentType === 'PICKUP',
    );
    await openOrder(page, id);
    for (const [button, status] of [
      ['Confirm', 'CONFIRMED'],
      ['Start preparing', 'PREPARING'],
      ['Mark ready', 'READY'],
      ['Mark delivered', 'DELIVERED'],
    ]) {
      await page.getByRole('button', { name: button, exact: true }).click();
      await orderShows(page, /** @type {string} */ (status));
    }
    assert.equal(await page.locator('.order-buttons button').count(), 0);
    assert.equal(await page.locator('.timeline [data-status]').count(), 5);
    assertNoFaults(page);
    await page.context().close();
  });

  it('cancels only after a question, with the reason in the timeline', async () => {
    const page = await openPage(browser);
    await signIn(page, server.origin, 'admin');
    const [{ id }] = await admin.orders('PREPARING');
    await openOrder(page, id);
    await page.getByRole('button', { name: 'Cancel order' }).click();
    const dialog = page.getByRole('dialog', { name: /^Cancel order/ });
    await dialog.getByRole('button', { name: 'Keep order' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await orderShows(page, 'PREPARING');

    await page.getByRole('button', { name: 'Cancel order' }).click();
    await dialog.getByLabel('Reason').fill('Out of stock');
    await assertAccessible(page);
    await dialog.getByRole('button', { name: 'Cancel order' }).click();
    await orderShows(page, 'CANCELLED');
    await page.locator('.timeline').getByText('Out of stock').waitFor();
    assert.equal((await admin.call('GET', `/orders/${id}`)).status, 'CANCELLED');
    await page.context().close();
  });

  it('says so when somebody else was faster, and shows the order as it is', async () => {
    const page = await openPage(browser);
    await signIn(page, server.origin, 'admin');
    const [{ id }] = await admin.orders('PENDING');
    await openOrder(page, id);
    // The other one's change reaches the server before our click, and this page after it.
    await page.route(`**/api/v1/orders/${id}/status`, async (route) => {
      await admin.setStatus(id, 'CANCELLED');
      await route.continue();
    });
    await page.getByRole('button', { name: 'Confirm', exact: true }).click();
    const alert = page.getByRole('alert').filter({ hasText: 'Somebody else changed this order' });
    await alert.getByText('Cannot transition from CANCELLED to CONFIRMED').waitFor();
    await orderShows(page, 'CANCELLED');
    await page.context().close();
  });

  it('shows one order in two tabs, and a change in one is seen in the other', async () => {
    const [first, second] = await Promise.all([openPage(browser), openPage(browser)]);
    const [{ id }] = await admin.orders('CONFIRMED');
    for (const page of [first, second]) {
      await signIn(page, server.origin, 'admin');
      await openOrder(page, id);
      await connectionIs(page, 'live');
    }
    await first.getByRole('button', { name: 'Start preparing' }).click();
    await orderShows(second, 'PREPARING');
    await second.getByRole('button', { name: 'Mark ready' }).click();
    await orderShows(first, 'READY');
    await Promise.all([first.context().close(), second.context().close()]);
  });

  it('shares one socket between the list, its rows and an order', async () => {
    const page = await openLivePage(browser, server.origin, 'admin');
    const [{ id }] = await admin.orders('READY');
    await openOrder(page, id);
    await connectionIs(page, 'live');
    const opened = await sockets(page);
    assert.equal(opened.length, 1);
    const watched = opened[0]?.sent.filter((text) => text.includes('"subscribe"')) ?? [];
    assert.ok(watched.length > 20, `${watched.length} subscriptions on it`);
    await page.context().close();
  });

  it('closes the socket of a user who has logged out', async () => {
    const page = await openLivePage(browser, server.origin, 'manager');
    await page.getByRole('button', { name: 'Account of Manoj Manager' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    // By the page, or by the server that it has told: whoever is first.
    await until('the socket is closed', async () =>
      (await sockets(page)).every(({ closed, code }) => closed && [1000, 4001].includes(code)),
    );
    await page.reload();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    assert.equal((await sockets(page)).length, 0);
    await page.context().close();
  });

  it('can be used with the keyboard alone', async () => {
    const page = await openPage(browser);
    await signIn(page, server.origin, 'admin');
    const [{ id }] = await admin.orders('PENDING');
    const link = page.locator(`tr[data-order-id="${id}"] a`);
    await link.waitFor();
    await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement)?.blur());
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to content');
    await page.keyboard.press('Enter');
    await until('the order has the focus', async () => {
      await page.keyboard.press('Tab');
      return link.evaluate((element) => element === document.activeElement);
    });
    await page.keyboard.press('Enter');
    await page.locator(`article[data-order-id="${id}"]`).waitFor();
    await page.getByRole('button', { name: 'Confirm', exact: true }).focus();
    await page.keyboard.press('Enter');
    await orderShows(page, 'CONFIRMED');
    await page.getByRole('button', { name: 'Cancel order' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.context().close();
  });

  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    for (const width of [1280, 390]) {
      it(`is accessible and fits, ${colorScheme}, ${width} pixels wide`, async () => {
        const height = width === 390 ? 844 : 860;
        const page = await openPage(browser, { colorScheme, width, height });
        const name = `${colorScheme}-${width}`;
        await signIn(page, server.origin, 'admin');
        await connectionIs(page, 'live');
        await page.locator('tbody tr').first().waitFor();
        await assertAccessible(page);
        await picture(page, `admin-list-${name}`);
        const [{ id }] = await admin.orders('OUT_FOR_DELIVERY');
        await openOrder(page, id);
        await assertAccessible(page);
        await picture(page, `admin-detail-${name}`);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.equal(overflow, 0);
        assertNoFaults(page);
        await page.context().close();
      });
    }
  }
});
