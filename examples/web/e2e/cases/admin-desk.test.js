// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertAxeClean } from '../harness/axe.js';
import {
  assertNoFaults,
  connectionIs,
  listShows,
  openLivePage,
  openPage,
  patience,
  signIn,
  until,
} from '../harness/browser.js';
import { focused, leaveList, row } from '../harness/desk.js';
import { Network } from '../harness/network.js';
import { openShop } from '../harness/shop.js';

describe('the desk', { timeout: 20 * patience }, () => {
  const shop = openShop();
  /** @type {Network} */
  let network;

  before(async () => {
    network = await Network.to(shop.server);
  });
  after(() => network?.dispose());

  /** @param {string} id */
  const statusOf = async (id) => (await shop.admin.call('GET', `/orders/${id}`)).status;

  // ---- Safe clicks ----

  it('takes one step by a double click, and none that is undone within five seconds', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    const { id } = await shop.customer.placeOrder();
    await leaveList(page);
    await row(page, id).locator('.step-slot').dblclick();
    await row(page, id).locator('[data-status="CONFIRMED"][data-unsent]').waitFor();
    assert.equal(await statusOf(id), 'PENDING');
    await row(page, id).getByRole('button', { name: /^Undo/ }).click();
    await listShows(page, id, 'PENDING');

    await row(page, id).locator('.step-slot:not([aria-disabled])').dblclick();
    await until(
      'the step has reached the server',
      async () => (await statusOf(id)) === 'CONFIRMED',
    );
    await row(page, id)
      .getByRole('button', { name: /^Start preparing/ })
      .waitFor();
    assert.equal(await statusOf(id), 'CONFIRMED');
    assertNoFaults(page);
    await page.context().close();
  });

  it('keeps the step where it is, whatever it says', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    await page.locator('.step-slot').first().waitFor();
    const places = await page.locator('button.step-slot').evaluateAll((buttons) =>
      buttons.map((button) => {
        const { left, width } = button.getBoundingClientRect();
        return `${left} ${width}`;
      }),
    );
    assert.equal(new Set(places).size, 1);
    assert.ok(places.length > 5);
    await page.context().close();
  });

  it('sends a step that waits when the page is left', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    const { id } = await shop.customer.placeOrder();
    await leaveList(page);
    await row(page, id).locator('.step-slot').click();
    await row(page, id).locator('[data-unsent]').first().waitFor();
    assert.equal(await statusOf(id), 'PENDING');
    await page.goto('about:blank');
    await until(
      'the step has reached the server',
      async () => (await statusOf(id)) === 'CONFIRMED',
    );
    await page.context().close();
  });

  it('sends again at the next start what was sent and got no answer', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    const { id } = await shop.customer.placeOrder();
    await leaveList(page);
    await page.route('**/status', (route) => route.abort());
    await row(page, id).locator('.step-slot').click();
    await row(page, id).locator('[data-unsent]').first().waitFor();
    await page.evaluate(() => /** @type {any} */ (globalThis).setVisibility('hidden'));
    await page.getByText(/The change failed/).waitFor();
    assert.equal(await statusOf(id), 'PENDING');
    await page.unroute('**/status');
    await page.reload();
    await until('the step has been made', async () => (await statusOf(id)) === 'CONFIRMED');
    await page.context().close();
  });

  it('lets new orders wait while a pointer or the focus is in the list', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    await page.getByRole('link', { name: /^All/ }).click();
    await page.locator('tbody tr').first().hover();
    const first = await page.locator('tbody tr').first().getAttribute('data-order-id');
    const place = () => page.locator('tbody tr').first().boundingBox();
    const before = await place();
    const orders = [await shop.customer.placeOrder(), await shop.customer.placeOrder()];
    const bar = page.getByRole('button', { name: '2 new orders' });
    await bar.waitFor();
    assert.deepEqual(await place(), before, 'nothing has moved');
    assert.equal(await page.locator('tbody tr').first().getAttribute('data-order-id'), first);
    await bar.click();
    await row(page, orders[1].id).waitFor();
    await until('the first new order has the focus', async () =>
      (await focused(page)).includes(`#${orders[1].number}`),
    );
    // The keyboard is in the list now, and the pointer is not.
    await leaveList(page);
    await page.keyboard.press('j');
    await shop.customer.placeOrder();
    await page.getByRole('button', { name: '1 new order' }).waitFor();
    await assertAxeClean(page);
    await page.context().close();
  });

  it('keeps a row that another user finished in its place for a while', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    const { id } = await shop.customer.placeOrder();
    await leaveList(page);
    await row(page, id).waitFor();
    await shop.admin.setStatus(id, 'CANCELLED');
    await listShows(page, id, 'CANCELLED');
    await row(page, id).waitFor({ state: 'detached' });
    await page.context().close();
  });

  it('says at a step that waits what another user has done instead', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    const { id } = await shop.customer.placeOrder();
    await leaveList(page);
    await row(page, id).locator('.step-slot').click();
    await shop.admin.setStatus(id, 'CANCELLED', 'Closed today');
    const note = page.getByRole('alert').filter({ hasText: 'Somebody else' });
    await note.getByText(/A super admin set it to Cancelled at .*: “Closed today”/).waitFor();
    await assertAxeClean(page);
    await page.context().close();
  });

  // ---- It tells the truth ----

  it('says Offline before Live, and loads by itself what had failed', async () => {
    const page = await openLivePage(shop.browser, network.origin, 'admin');
    await page.locator('tbody tr').first().waitFor();
    await page.context().setOffline(true);
    await page.getByRole('status', { name: 'Connection' }).getByText('Offline').waitFor();
    await page.getByRole('link', { name: /^Ready/ }).click();
    await page.getByRole('alert').getByText('We keep trying').waitFor();
    assert.equal(await page.locator('tbody tr').count(), 0, 'no row of another filter');
    await assertAxeClean(page);
    await page.context().setOffline(false);
    await page.locator('tbody tr[data-status="READY"]').first().waitFor();
    await page.getByRole('alert').waitFor({ state: 'hidden' });
    await connectionIs(page, 'live');
    await page.context().close();
  });

  it('clears the rows while another filter loads', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    await page.locator('tbody tr').first().waitFor();
    let answer = () => {};
    const held = new Promise((done) => {
      answer = () => done(undefined);
    });
    await page.route('**/api/v1/orders?*status=DELIVERED*', async (route) => {
      await held;
      await route.continue();
    });
    await page.getByRole('link', { name: /^Delivered/ }).click();
    await page.locator('[aria-label="Orders"][aria-busy="true"] .skeleton').first().waitFor();
    assert.equal(await page.locator('tbody tr').count(), 0);
    await assertAxeClean(page);
    answer();
    await page.locator('tbody tr[data-status="DELIVERED"]').first().waitFor();
    await page.context().close();
  });

  it('says that a page does not exist, and leads to the last one', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    await page.goto(`${shop.server.origin}/#/orders?status=ALL&page=99`);
    await page.getByText(/There is no page 99/).waitFor();
    await page.getByRole('link', { name: 'Go to the last page' }).click();
    await page.locator('tbody tr').first().waitFor();
    await page.context().close();
  });

  it('keeps a step that did not reach the server, to be sent again', async () => {
    const page = await openPage(shop.browser, { settings: { undoSeconds: 0 } });
    await signIn(page, shop.server.origin, 'admin');
    const { id } = await shop.customer.placeOrder();
    await leaveList(page);
    await page.route('**/status', (route) => route.abort());
    await row(page, id).locator('.step-slot').click();
    await page.getByText(/The change failed/).waitFor();
    await page.unroute('**/status');
    await page.getByRole('button', { name: 'Try again' }).click();
    await listShows(page, id, 'CONFIRMED');
    await page.getByText(/The change failed/).waitFor({ state: 'detached' });
    await page.context().close();
  });
});
