// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accounts } from '../harness/api.js';
import { assertAxeClean } from '../harness/axe.js';
import {
  assertNoFaults,
  connectionIs,
  listShows,
  openLivePage,
  openPage,
  orderShows,
  patience,
  signIn,
  until,
} from '../harness/browser.js';
import { focused, leaveList, row } from '../harness/desk.js';
import { openShop } from '../harness/shop.js';

describe('the desk, found and known', { timeout: 20 * patience }, () => {
  const shop = openShop();

  /** @param {string} id */
  const statusOf = async (id) => (await shop.admin.call('GET', `/orders/${id}`)).status;

  // ---- Find and know ----

  it('finds an order by its number, by /, and says what an order is about', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'manager');
    const order = await shop.customer.placeOrder();
    await page.locator('tbody tr').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type(`#${order.number}`);
    await until('one row is left', async () => (await page.locator('tbody tr').count()) === 1);
    const found = row(page, order.id);
    for (const text of [
      `#${order.number}`,
      'Chitra Customer',
      '+91 80 5550 0101',
      '1 Quiet Street',
    ]) {
      await found.getByText(text, { exact: true }).waitFor();
    }
    assert.ok(
      !((await found.textContent()) ?? '').includes(order.id.slice(0, 8)),
      'no UUID in the list',
    );
    assert.match(page.url(), new RegExp(`q=%23${order.number}`));
    await page.reload();
    await found.waitFor();
    await page.getByRole('searchbox').fill('nothing like it');
    await page.getByText('No order under “Open” fits “nothing like it”.').waitFor();
    await assertAxeClean(page);
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await until('the rows are back', async () => (await page.locator('tbody tr').count()) > 1);
    await page.context().close();
  });

  it('filters by type, in the address, with counts on the tabs', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    const { byStatus } = await shop.admin.call('GET', '/orders/counts?fulfillmentType=PICKUP');
    await page.getByRole('button', { name: 'Filters' }).click();
    await assertAxeClean(page);
    await page.getByLabel('Type').selectOption('PICKUP');
    await page.getByRole('link', { name: `Ready ${byStatus.READY}`, exact: true }).waitFor();
    assert.match(page.url(), /fulfillmentType=PICKUP/);
    await page.goBack();
    await until('the filter is gone', async () => !page.url().includes('PICKUP'));
    await page.context().close();
  });

  it('Back finds the list as it was: filter, place and focus', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin', { height: 500 });
    await page.getByRole('link', { name: /^All/ }).click();
    const last = page.locator('tbody tr').nth(20).locator('a.order-link');
    await last.scrollIntoViewIfNeeded();
    const before = await page.evaluate(() => window.scrollY);
    assert.ok(before > 300);
    const name = (await last.textContent()) ?? '';
    await last.click();
    await page.locator('article h1', { hasText: name }).waitFor();
    assert.equal(await page.evaluate(() => window.scrollY), 0);
    await page.goBack();
    await last.waitFor();
    assert.ok(Math.abs((await page.evaluate(() => window.scrollY)) - before) < 2);
    assert.match(page.url(), /status=ALL/);
    assert.equal(await focused(page), name);
    await page.context().close();
  });

  it('opens an order in a tab of its own by Ctrl and a click anywhere in its row', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    const cell = page.locator('tbody tr .col-items').first();
    await cell.waitFor();
    const [opened] = await Promise.all([
      page.context().waitForEvent('page'),
      cell.click({ modifiers: ['Control'] }),
    ]);
    await opened.waitForURL(/#\/orders\/.+/);
    assert.match(page.url(), /#?\/?(orders)?$/);
    await page.context().close();
  });

  // ---- Keys and focus ----

  it('is worked by keys alone: J, K, Enter, C, U, ?', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    const order = await shop.customer.placeOrder();
    await page.goto(`${shop.server.origin}/#/orders?q=%23${order.number}&storeId=${order.storeId}`);
    const mine = row(page, order.id);
    await mine.waitFor();
    await page.keyboard.press('j');
    assert.equal(await focused(page), `#${order.number}`);
    await page.keyboard.press('c');
    await mine.locator('[data-unsent]').first().waitFor();
    await page.keyboard.press('u');
    await listShows(page, order.id, 'PENDING');
    assert.equal(await page.locator('[data-unsent]').count(), 0);
    await page.keyboard.press('Enter');
    await page.locator(`article[data-order-id="${order.id}"]`).waitFor();
    await page.keyboard.press('c');
    await page.locator('.order-title [data-unsent]').waitFor();
    await page.keyboard.press('u');
    await orderShows(page, 'PENDING');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await assertAxeClean(page);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.context().close();
  });

  it('never lets the focus fall to the body', async () => {
    const page = await openPage(shop.browser, { settings: { undoSeconds: 0 } });
    await signIn(page, shop.server.origin, 'admin');
    const { id } = await shop.customer.placeOrder();
    await leaveList(page);
    await row(page, id).waitFor();
    const isLost = () => page.evaluate(() => document.activeElement === document.body);
    await row(page, id).locator('a.order-link').click();
    await page.locator('article').waitFor();
    assert.equal(await isLost(), false, 'after a route');
    await page.getByRole('button', { name: 'Confirm', exact: true }).click();
    await orderShows(page, 'CONFIRMED');
    assert.equal(await isLost(), false, 'after a step');
    await page.getByRole('button', { name: 'Start preparing', exact: true }).click();
    await orderShows(page, 'PREPARING');
    await shop.admin.setStatus(id, 'CANCELLED');
    await orderShows(page, 'CANCELLED');
    await until('the focus has a home', async () => !(await isLost()));
    await page.goBack();
    await page.locator('tbody tr').first().waitFor();
    await until('the focus has a home', async () => !(await isLost()));
    await page.context().close();
  });

  // ---- It calls ----

  it('rings until the order is opened, counts in the title, and shows a badge on every page', async () => {
    const page = await openPage(shop.browser);
    await page.addInitScript(() => {
      const scope = /** @type {any} */ (globalThis);
      const start = scope.OscillatorNode.prototype.start;
      scope.tones = 0;
      scope.OscillatorNode.prototype.start = function (/** @type {number[]} */ ...when) {
        scope.tones += 1;
        return start.apply(this, when);
      };
    });
    await signIn(page, shop.server.origin, 'admin');
    await connectionIs(page, 'live');
    const tones = () => page.evaluate(() => /** @type {any} */ (globalThis).tones);
    await page.waitForResponse(/status=PENDING&/); // What was there before does not ring.
    const { id } = await shop.customer.placeOrder();
    await page.getByRole('link', { name: '1 new', exact: true }).waitFor();
    await until('it rings', async () => (await tones()) >= 3);
    await until('it rings again', async () => (await tones()) >= 6);
    assert.match(await page.title(), /^\(1\) /);
    await page.getByRole('link', { name: 'Kitchen' }).click();
    await page.locator(`.kitchen-card[data-order-id="${id}"][data-new]`).waitFor();
    await page.reload(); // Nobody has opened it by that.
    await page.getByRole('link', { name: '1 new', exact: true }).click();
    assert.ok(page.url().includes(`#/orders/${id}`), page.url());
    await page.locator('article').waitFor();
    await page.getByRole('link', { name: '1 new', exact: true }).waitFor({ state: 'hidden' });
    const silent = await tones();
    assert.match(await page.title(), /^#/);

    await page.getByRole('button', { name: 'Settings' }).click();
    await assertAxeClean(page);
    await page.getByRole('button', { name: 'Test the sound' }).click();
    assert.equal(await tones(), silent + 3);
    await page.getByLabel(/^Ring for new orders/).uncheck();
    await page.keyboard.press('Escape');
    await shop.customer.placeOrder();
    await page.getByRole('link', { name: '1 new', exact: true }).waitFor();
    assert.equal(await tones(), silent + 3);
    await page.getByRole('button', { name: 'Silence' }).click();
    await page.getByRole('link', { name: '1 new', exact: true }).waitFor({ state: 'hidden' });
    assertNoFaults(page);
    await page.context().close();
  });

  it('shows the age in the colours that were chosen', async () => {
    const page = await openPage(shop.browser, { settings: { amberMinutes: 0, redMinutes: 1440 } });
    await signIn(page, shop.server.origin, 'admin');
    await page.locator('tbody .age[data-age="amber"]').first().waitFor();
    assert.equal(await page.locator('tbody .age[data-age="red"]').count(), 0);
    await page.context().close();
  });

  // ---- Only who may ----

  it('turns a customer away with a sentence', async () => {
    const page = await openPage(shop.browser);
    await page.goto(shop.server.origin);
    await page.getByLabel('Email').fill(accounts.customer.email);
    await page.getByLabel('Password', { exact: true }).fill(accounts.customer.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('This panel is for a shop’s staff').waitFor();
    await assertAxeClean(page);
    await page.reload();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await page.context().close();
  });

  // ---- Kitchen ----

  it('has a kitchen board whose cards are bumped by a tap, with undo', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    const { id } = await shop.customer.placeOrder();
    await page.getByRole('link', { name: 'Kitchen' }).click();
    const card = page.locator(`.kitchen-card[data-order-id="${id}"]`);
    await card.locator('.kitchen-bump').click();
    await page.locator(`.kitchen-card[data-order-id="${id}"][data-unsent]`).waitFor();
    await until('the tap is undone', async () => {
      const undo = card.getByRole('button', { name: /^Undo/ });
      if (await undo.isVisible()) await undo.click();
      return (await card.getAttribute('data-unsent')) === null;
    });
    assert.equal(await statusOf(id), 'PENDING');
    await assertAxeClean(page);
    const size = await card
      .locator('.kitchen-items')
      .evaluate((element) => Number.parseFloat(getComputedStyle(element).fontSize));
    assert.ok(size >= 24, `${size} px can’t be read from two metres`);
    await page.context().close();
  });

  it('prints a ticket without anything around it', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    const order = await shop.customer.placeOrder();
    await page.goto(`${shop.server.origin}/#/orders/${order.id}`);
    await page.locator('article').waitFor();
    await page.emulateMedia({ media: 'print' });
    // biome-ignore lint/performance/useDomNodeTextContent: what is not shown is not in it, which is the point
    const text = await page.locator('body').innerText();
    assert.ok(text.trim().startsWith(`#${order.number}`), text);
    for (const part of [order.items[0].name, '1 Quiet Street', 'DELIVERY']) {
      assert.ok(text.includes(part), `${part} is not in ${text}`);
    }
    for (const chrome of ['Kitchen', 'Settings', 'Timeline', 'Live']) {
      assert.ok(!text.includes(chrome), `${chrome} is in ${text}`);
    }
    await page.context().close();
  });
});
