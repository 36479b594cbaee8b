// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertAxeClean } from '../harness/axe.js';
import {
  assertNoFaults,
  connectionIs,
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
import { openShop } from '../harness/shop.js';

/** Steps are sent at once, as a user can choose in the settings. */
const atOnce = { settings: { undoSeconds: 0 } };

describe('the admin panel', { timeout: 10 * patience }, () => {
  const shop = openShop();

  it('says in words that a password is wrong', async () => {
    const page = await openPage(shop.browser);
    await page.goto(shop.server.origin);
    await assertAxeClean(page);
    await page.getByLabel('Email').fill('admin@martly.dev');
    await page.getByLabel('Password', { exact: true }).fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').filter({ hasText: 'Invalid credentials' }).waitFor();
    await picture(page, 'admin-login');
    await page.context().close();
  });

  it('shows a changed row at once and highlights it', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    const [order] = await shop.admin.orders('PENDING');
    await listShows(page, order.id, 'PENDING');
    await shop.admin.setStatus(order.id, 'CONFIRMED');
    await listShows(page, order.id, 'CONFIRMED');
    await page.locator(`tr[data-order-id="${order.id}"][data-changed]`).waitFor();
    await page.getByRole('log').filter({ hasText: 'Confirmed' }).waitFor({ state: 'attached' });
    assert.equal(await page.locator('tr[data-changed]').count(), 1);
    assertNoFaults(page);
    await page.context().close();
  });

  it('shows a new order last among the open ones, and first among all, highlighted', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    await page.locator('tbody tr').first().waitFor();
    await page.mouse.move(4, 4); // The pointer is not in the list.
    let order = await shop.customer.placeOrder();
    await page.locator(`tbody tr:last-child[data-order-id="${order.id}"][data-changed]`).waitFor();
    await page.getByRole('link', { name: /^All/ }).click();
    await page.locator(`tbody tr:first-child[data-order-id="${order.id}"]`).waitFor();
    order = await shop.customer.placeOrder();
    await page.locator(`tbody tr:first-child[data-order-id="${order.id}"][data-changed]`).waitFor();
    await page.context().close();
  });

  it('filters, and the address remembers it', async () => {
    const page = await openPage(shop.browser);
    await signIn(page, shop.server.origin, 'admin');
    await page.getByText(/^1–/).waitFor();
    await page.getByRole('link', { name: /^Delivered/ }).click();
    const onlyDelivered = () =>
      until('only delivered orders are shown', async () => {
        const all = await page.locator('tbody tr').count();
        return all > 0 && all === (await page.locator('tbody tr[data-status="DELIVERED"]').count());
      });
    await onlyDelivered();
    await page.reload();
    await onlyDelivered();
    await page.goBack();
    await page.locator('tbody tr[data-status="PENDING"]').first().waitFor();
    await page.context().close();
  });

  it('moves an order on, step by step, by the buttons that the contract allows', async () => {
    const page = await openPage(shop.browser, atOnce);
    await signIn(page, shop.server.origin, 'admin');
    const { id } = (await shop.admin.orders('PENDING')).find(
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
    assert.equal(await page.locator('.order-actions button.step-slot').count(), 0);
    assert.equal(await page.getByRole('button', { name: 'Cancel order' }).count(), 0);
    await page.locator('.timeline').getByText('Asha Admin, super admin').first().waitFor();
    assert.equal(await page.locator('.timeline [data-status]').count(), 5);
    assertNoFaults(page);
    await page.context().close();
  });

  it('cancels only after a question, with the reason in the timeline', async () => {
    const page = await openPage(shop.browser, atOnce);
    await signIn(page, shop.server.origin, 'admin');
    const [{ id }] = await shop.admin.orders('PREPARING');
    await openOrder(page, id);
    await page.getByRole('button', { name: 'Cancel order' }).click();
    const dialog = page.getByRole('dialog', { name: /^Cancel order/ });
    await dialog.getByRole('button', { name: 'Keep order' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await orderShows(page, 'PREPARING');

    await page.getByRole('button', { name: 'Cancel order' }).click();
    await dialog.getByLabel('Reason').fill('Out of stock');
    await assertAxeClean(page);
    await dialog.getByRole('button', { name: 'Cancel order' }).click();
    await orderShows(page, 'CANCELLED');
    await page.locator('.timeline').getByText('Out of stock').waitFor();
    assert.equal((await shop.admin.call('GET', `/orders/${id}`)).status, 'CANCELLED');
    await page.context().close();
  });

  it('says so when another user was faster, and shows the order as it is', async () => {
    const page = await openPage(shop.browser, atOnce);
    await signIn(page, shop.server.origin, 'admin');
    const [{ id }] = await shop.admin.orders('PENDING');
    await openOrder(page, id);
    // The other one's change reaches the server before our click, and this page after it.
    let asked = '';
    await page.route(`**/api/v1/orders/${id}/status`, async (route) => {
      asked = route.request().postData() ?? '';
      await shop.admin.setStatus(id, 'CANCELLED', 'Out of milk');
      await route.continue();
    });
    await page.getByRole('button', { name: 'Confirm', exact: true }).click();
    const alert = page.getByRole('alert').filter({ hasText: 'Somebody else changed this order' });
    await alert.getByText(/A super admin set it to Cancelled at .*: “Out of milk”/).waitFor();
    assert.ok(JSON.parse(asked).expectedVersion >= 1, asked);
    await orderShows(page, 'CANCELLED');
    await alert.getByRole('button', { name: 'Dismiss' }).click();
    await alert.waitFor({ state: 'hidden' });
    await page.context().close();
  });

  it('shows one order in two tabs, and a change in one is seen in the other', async () => {
    const [first, second] = await Promise.all([
      openPage(shop.browser, atOnce),
      openPage(shop.browser, atOnce),
    ]);
    const [{ id }] = await shop.admin.orders('CONFIRMED');
    for (const page of [first, second]) {
      await signIn(page, shop.server.origin, 'admin');
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
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    const [{ id }] = await shop.admin.orders('READY');
    await openOrder(page, id);
    await connectionIs(page, 'live');
    const opened = await sockets(page);
    assert.equal(opened.length, 1);
    const sent = opened[0]?.sent.map((text) => JSON.parse(text)) ?? [];
    const watched = sent
      .filter(({ type }) => type === 'subscribe')
      .flatMap(({ orders, orderId }) => orders ?? [{ orderId }]);
    assert.ok(watched.length > 20, `${watched.length} subscriptions on it`);
    await page.context().close();
  });

  it('closes the socket of a user who has logged out', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'manager');
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
});
