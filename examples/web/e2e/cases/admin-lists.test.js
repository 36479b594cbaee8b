// SPDX-License-Identifier: MIT
// What the list says of itself: counts, names, searches without a match, and the header over it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertAxeClean } from '../harness/axe.js';
import {
  connectionIs,
  openLivePage,
  openPage,
  patience,
  signIn,
  until,
} from '../harness/browser.js';
import { focused, leaveList, row } from '../harness/desk.js';
import { Network } from '../harness/network.js';
import { openShop } from '../harness/shop.js';

/** @typedef {import('playwright-core').Page} Page */

describe('the list of the desk', { timeout: 20 * patience }, () => {
  const shop = openShop();

  it('leads from a search without a match to the matches of other tabs, and keeps the search', async () => {
    const { id, number } = await shop.customer.placeOrder();
    await shop.admin.setStatus(id, 'CANCELLED');
    const page = await openLivePage(shop.browser, shop.server.origin, 'manager');
    await page.getByRole('searchbox').fill(`#${number}`);
    await page.getByText(`No order under “Open” fits “#${number}”.`).waitFor();
    await assertAxeClean(page);
    await page.getByRole('link', { name: 'Show the one match' }).click();
    await row(page, id).waitFor();
    assert.equal(await page.getByRole('searchbox').inputValue(), `#${number}`);
    await page.goBack();
    await page.getByRole('link', { name: 'Clear the search' }).click();
    await until(
      'the open orders are back',
      async () => (await page.locator('tbody tr').count()) > 1,
    );
    assert.equal(await page.getByRole('searchbox').inputValue(), '');
    await page.context().close();
  });

  it('clears the filters and keeps the search beside them', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'manager');
    await page.goto(`${shop.server.origin}/#/orders?q=nothing&paymentMethod=COD`);
    await page.getByText('fits “nothing” and the filters.').waitFor();
    await page.getByRole('link', { name: 'Clear the filters' }).click();
    await page.getByText('fits “nothing”.').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Clear the filters' }).count(), 0);
    await page.context().close();
  });

  it('counts as it lists, however late the counts come', async () => {
    const { id, number } = await shop.customer.placeOrder();
    const page = await openLivePage(shop.browser, shop.server.origin, 'manager');
    await page.goto(`${shop.server.origin}/#/orders?q=%23${number}`);
    await page.getByRole('link', { name: 'Open 1', exact: true }).waitFor();
    await page.getByRole('link', { name: 'Pending 1', exact: true }).waitFor();
    await page.route('**/orders/counts*', (route) => route.abort());
    await leaveList(page);
    await shop.admin.setStatus(id, 'CANCELLED');
    await page.getByRole('link', { name: 'Cancelled 1', exact: true }).waitFor();
    for (const name of ['Open 0', 'Pending 0', 'All 1']) {
      await page.getByRole('link', { name, exact: true }).waitFor();
    }
    await page.getByText('No order under “Open” fits').waitFor();
    await page.context().close();
  });

  it('gives each order and each step a name of its own, where two shops count alike', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    await page.locator('tbody tr').first().waitFor();
    const names = await page
      .locator('tbody a.order-link, tbody button.step-slot')
      .evaluateAll((elements) =>
        elements.map((element) => element.getAttribute('aria-label') ?? element.textContent),
      );
    const twice = names.filter((name, index) => names.indexOf(name) !== index);
    assert.deepEqual(twice, []);
    await page
      .getByRole('button', { name: /^Confirm #\d+, Martly Indiranagar$/ })
      .first()
      .waitFor();
    await page.context().close();
  });

  it('has the e-mail field focused at its sign-in, ready to type', async () => {
    const page = await openPage(shop.browser);
    await page.goto(shop.server.origin);
    await page.getByLabel('Email').waitFor();
    await page.keyboard.type('admin@martly.dev');
    assert.equal(await page.getByLabel('Email').inputValue(), 'admin@martly.dev');
    await page.context().close();
  });

  it('stands under a header of one line on a phone, whatever that says', async () => {
    const network = await Network.to(shop.server);
    const page = await openLivePage(shop.browser, network.origin, 'admin', {
      width: 390,
      height: 844,
      hasTouch: true,
    });
    const height = async () => (await page.locator('header').boundingBox())?.height ?? 0;
    const plain = await height();
    assert.ok(plain > 0 && plain < 64, `${plain} px are no single line`);
    await page.waitForResponse(/status=PENDING&/);
    await shop.customer.placeOrder();
    await page.getByRole('link', { name: '1 new', exact: true }).waitFor();
    assert.equal(await height(), plain);
    network.goDown();
    await page.getByText('Reconnecting').waitFor();
    assert.equal(await height(), plain);
    await assertAxeClean(page);
    await page.context().close();
    await network.dispose();
  });

  it('moves no step and no card when it can’t be loaded, and says so over them', async () => {
    const network = await Network.to(shop.server);
    const page = await openLivePage(shop.browser, network.origin, 'admin');
    for (const [link, step] of [
      ['Orders', 'tbody .step-slot'],
      ['Kitchen', '.kitchen-bump'],
    ]) {
      await page.getByRole('link', { name: link, exact: true }).click();
      await connectionIs(page, 'live');
      const place = () =>
        page
          .locator(/** @type {string} */ (step))
          .first()
          .boundingBox();
      await page
        .locator(/** @type {string} */ (step))
        .first()
        .waitFor();
      const before = await place();
      await page.route('**/api/v1/orders?*', (route) => route.abort());
      network.cut();
      await page.getByRole('alert').getByText('may be out of date').waitFor();
      assert.deepEqual(await place(), before, link);
      await page.unroute('**/api/v1/orders?*');
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByRole('alert').waitFor({ state: 'hidden' });
    }
    await page.context().close();
    await network.dispose();
  });

  it('is live again a few seconds after its server, however long that was away', async () => {
    const network = await Network.to(shop.server);
    const page = await openPage(shop.browser, { clock: true });
    await signIn(page, network.origin, 'admin');
    await connectionIs(page, 'live');
    network.goDown();
    await connectionIs(page, 'waiting');
    const attempts = () => page.evaluate(() => /** @type {any} */ (globalThis).sockets.length);
    const before = await attempts();
    await until('the waits have grown', async () => {
      await page.clock.runFor(2000);
      return (await attempts()) >= before + 5;
    });
    await connectionIs(page, 'waiting');
    network.comeUp();
    const from = await page.evaluate(() => Date.now());
    await until('the page is live', async () => {
      await page.clock.runFor(250);
      return page.locator('.connection[data-state="live"]').isVisible();
    });
    const took = (await page.evaluate(() => Date.now())) - from;
    assert.ok(took < 8000, `${took} ms`);
    await page.context().close();
    await network.dispose();
  });

  it('leads from “2 new” to the first of the new orders', async () => {
    const page = await openPage(shop.browser);
    await signIn(page, shop.server.origin, 'manager');
    await connectionIs(page, 'live');
    await page.waitForResponse(/status=PENDING&/);
    const [first, second] = [await shop.customer.placeOrder(), await shop.customer.placeOrder()];
    await page.getByRole('link', { name: '2 new', exact: true }).click();
    await page.locator(`tr[data-order-id="${second.id}"][data-new]`).waitFor();
    await until(
      'the first has the focus',
      async () => (await focused(page)) === `#${first.number}`,
    );
    assert.equal(await page.locator('tr[data-new]').count(), 2);
    await assertAxeClean(page);
    await page.context().close();
  });
});
