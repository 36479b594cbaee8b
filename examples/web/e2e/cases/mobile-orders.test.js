// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ApiUser, accounts } from '../harness/api.js';
import { assertAxeClean } from '../harness/axe.js';
import {
  assertNoFaults,
  openPage,
  patience,
  picture,
  until,
  watchFaults,
} from '../harness/browser.js';
import { openPhone, ordersAreLive, signIn, signInLive, testPayments } from '../harness/mobile.js';
import { Network } from '../harness/network.js';
import { openShop } from '../harness/shop.js';

/** @typedef {import('playwright-core').Page} Page */

/** Opens an order by its address. @param {Page} page @param {string} orderId */
async function openOrder(page, orderId) {
  await page.evaluate((id) => {
    location.hash = `#/orders/${id}`;
  }, orderId);
  await page.getByTestId('order-detail').waitFor();
}

/** What has the focus, as a person would call it. @param {Page} page @returns {Promise<string>} */
function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    return element === null || element === document.body
      ? ''
      : (element.getAttribute('aria-label') ?? element.textContent ?? element.tagName);
  });
}

describe('a customer', { timeout: 20 * patience }, () => {
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

  it('signs in with Enter in a real form that password managers know', async () => {
    watchFaults(page);
    await page.goto(`${shop.server.origin}/mobile/`);
    await page.getByRole('heading', { name: 'Welcome back', level: 1 }).waitFor();
    await assertAxeClean(page);
    await picture(page, 'mobile-sign-in');
    const form = page.locator('form');
    assert.equal(await form.locator('input[autocomplete="username"]').count(), 1);
    assert.equal(await form.locator('input[autocomplete="current-password"]').count(), 1);
    await page.keyboard.press('Tab');
    await page.keyboard.type(accounts.customer.email);
    await page.keyboard.press('Tab');
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('Email or password is wrong.').waitFor();
    await assertAxeClean(page);
    await page.getByLabel('Password').fill(accounts.customer.password);
    await page.keyboard.press('Enter');
    await ordersAreLive(page);
    assert.match(await focused(page), /My orders/);
  });

  it('is told, as staff, that the app is for customers', async () => {
    await signIn(page, shop.server.origin, '', 'manager');
    await page.getByRole('heading', { name: 'This app is for customers' }).waitFor();
    await assertAxeClean(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
  });

  it('finds the same screen after Back, Forward and a reload', async () => {
    const { id } = await shop.customer.placeOrder();
    await signInLive(page, shop.server.origin);
    await page.getByTestId(`order-${id}`).click();
    await page.getByTestId('order-detail').waitFor();
    assert.match(await focused(page), /^Order #/);
    assert.match(await page.title(), /^Order #\d+/);
    await page.reload();
    await page.getByTestId('order-detail').waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'My orders' }).waitFor();
    await page.goForward();
    await page.getByTestId('order-detail').waitFor();
    await page.getByRole('link', { name: 'My orders' }).click();
    await page.getByTestId(`order-${id}`).waitFor();
  });

  it('goes to the order of a link once signed in', async () => {
    const { id, number } = await shop.customer.placeOrder();
    await signIn(page, shop.server.origin, `#/orders/${id}`);
    await page.getByRole('heading', { name: `Order #${number}`, level: 1 }).waitFor();
  });

  it('sees all orders by pages, and comes back to where it was', async () => {
    const placed = [];
    for (let count = 0; count < 6; count += 1) placed.push(await shop.customer.placeOrder());
    const total = (await shop.customer.call('GET', '/orders/counts')).total;
    assert.ok(total > 20, 'more than a page');
    await signInLive(page, shop.server.origin);
    const cards = page.getByRole('listitem');
    await until('a page is there', async () => (await cards.count()) === 20);
    await page.getByRole('button', { name: 'Show older orders' }).click();
    await until('all are there', async () => (await cards.count()) === total);
    const last = cards.last();
    await last.scrollIntoViewIfNeeded();
    await last.getByRole('link').click();
    await page.getByTestId('order-detail').waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'My orders' }).waitFor();
    await until('older pages are still there', async () => (await cards.count()) === total);
    await until('it is where it was', () =>
      last.evaluate((element) => element.getBoundingClientRect().top < innerHeight),
    );
  });

  it('reads what happens in words, and when it will be ready', async () => {
    const { id } = await shop.customer.placeOrder();
    await shop.admin.setStatus(id, 'CONFIRMED');
    await signIn(page, shop.server.origin, `#/orders/${id}`);
    await page.getByText('Your order is confirmed').waitFor();
    const estimatedReadyAt = new Date(Date.now() + 25 * 60_000).toISOString();
    await shop.admin.call('PATCH', `/orders/${id}/status`, {
      status: 'PREPARING',
      estimatedReadyAt,
    });
    await page.getByText('The shop is packing your order').waitFor();
    await page.getByText(/^Ready at .+ in about 2[45] minutes$/).waitFor();
    await assertAxeClean(page);
  });

  it('places an order with an address, a note and cash', async () => {
    await signInLive(page, shop.server.origin);
    await page.getByRole('link', { name: 'New order' }).click();
    await page.getByRole('heading', { name: 'New order', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'One more Assam Tea 500 g' }).waitFor();
    await assertAxeClean(page);
    await page.getByRole('button', { name: 'Place order' }).click();
    await page.getByText('Choose at least one product.').waitFor();
    await page.getByText('Say where the order goes.').waitFor();
    await assertAxeClean(page);
    const more = page.getByRole('button', { name: 'One more Assam Tea 500 g' });
    await more.click();
    await more.click();
    await page.getByTestId('total').getByText('₹571.00').waitFor();
    await page.getByLabel('Address').fill('14 Lake Road');
    await page.getByLabel('Note for the shop').fill('Ring twice');
    await page.getByLabel('Cash').check();
    await page.reload();
    await page.getByTestId('total').getByText('₹571.00').waitFor();
    await picture(page, 'mobile-new-order');
    await page.getByRole('button', { name: 'Place order' }).click();
    await page.getByTestId('order-detail').getByTestId('status-PENDING').waitFor();
    await page.getByText('Delivery to 14 Lake Road').waitFor();
    assert.match(await focused(page), /^Order #/);
    const id = page.url().split('/').pop();
    const order = await shop.admin.call('GET', `/orders/${id}`);
    assert.equal(order.totalAmount, '571.00');
    assert.equal(order.paymentMethod, 'COD');
    assert.equal(order.deliveryAddress, '14 Lake Road');
    assert.equal(order.note, 'Ring twice');
    await page.goBack();
    await page.getByTestId(`order-${id}`).waitFor();
  });

  it('orders once although the answer was lost, twice', async () => {
    const before = (await shop.customer.call('GET', '/orders/counts')).total;
    await signIn(page, shop.server.origin, '#/new');
    await page.getByLabel('Pick up').check();
    await page.getByRole('button', { name: 'One more Cow Ghee 1 l' }).click();
    // The server gets the order; its answer never arrives.
    await page.route('**/api/v1/orders', async (route) => {
      await route.fetch();
      await route.abort();
    });
    await page.getByRole('button', { name: 'Place order' }).click();
    await page.getByTestId('unsure').waitFor();
    await assertAxeClean(page);
    await page.reload();
    await page.getByTestId('unsure').waitFor();
    await page.unroute('**/api/v1/orders');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByTestId('order-detail').waitFor();
    assert.equal((await shop.customer.call('GET', '/orders/counts')).total, before + 1);
  });

  it('pays, cancels, and is told what that means for the money', async () => {
    const { id, totalAmount } = await shop.customer.placeOrder('ONLINE');
    await signIn(page, shop.server.origin, `#/orders/${id}`);
    await page.getByText('Waiting for your payment').waitFor();
    await assertAxeClean(page);
    await page.getByRole('button', { name: `Pay ₹${totalAmount}` }).click();
    await page.getByText(/^Paid online/).waitFor();
    assert.match(await focused(page), /^Order #/);
    await page.getByRole('button', { name: 'Cancel order' }).click();
    await page.getByText(`You get ₹${totalAmount} back.`).waitFor();
    assert.match(await focused(page), /^Cancel this order/);
    await assertAxeClean(page);
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await page.getByTestId('refund').getByText(`You got ₹${totalAmount} back.`).waitFor();
    assert.match(await focused(page), /^Order #/);
    assert.equal((await shop.admin.call('GET', `/orders/${id}`)).refundStatus, 'DONE');
    await assertAxeClean(page);
    await picture(page, 'mobile-refund');
  });

  it('is told before a cancellation that nothing was paid', async () => {
    const { id } = await shop.customer.placeOrder();
    await signIn(page, shop.server.origin, `#/orders/${id}`);
    await page.getByRole('button', { name: 'Cancel order' }).click();
    await page.getByText('You have paid nothing, so there is nothing to give back.').waitFor();
  });

  it('orders again what it had', async () => {
    const { id, totalAmount } = await shop.customer.placeOrder();
    await signIn(page, shop.server.origin, `#/orders/${id}`);
    await page.getByRole('button', { name: 'Order again' }).click();
    await page.getByTestId('total').getByText(`₹${totalAmount}`).waitFor();
    assert.equal(await page.getByLabel('Address').inputValue(), '1 Quiet Street');
    await page.getByRole('button', { name: 'Place order' }).click();
    await page.getByTestId('order-detail').waitFor();
    assert.notEqual(page.url().split('/').pop(), id);
  });

  it('sees the last known orders while there is no shop.server, and that they are old', async () => {
    const network = await Network.to(shop.server);
    const { id } = await shop.customer.placeOrder();
    await signInLive(page, network.origin);
    await page.getByTestId(`order-${id}`).waitFor();
    await page.context().setOffline(true);
    await page
      .getByTestId('old')
      .getByText(/^You are offline\. This is how it was at/)
      .waitFor();
    await assertAxeClean(page);
    await page.getByTestId(`order-${id}`).click();
    await page.getByTestId('order-detail').getByTestId('status-PENDING').waitFor();
    await page.context().setOffline(false);
    await page.getByTestId('connection-live').waitFor();
    await page.goBack();
    await until('nothing is old', async () => (await page.getByTestId('old').count()) === 0);

    // The app starts anew; its pages are there, the server is not.
    await page.route('**/api/**', (route) => route.abort());
    await page.reload();
    await page.getByTestId('unreachable').waitFor();
    await page.getByText(/This is how it was at/).waitFor();
    await page.getByTestId(`order-${id}`).waitFor();
    await assertAxeClean(page);
    await picture(page, 'mobile-unreachable');
    await page.unroute('**/api/**');
    await ordersAreLive(page); // By itself.
    await page.getByRole('button', { name: /Sign out/ }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    const left = await page.evaluate(() => Object.keys(localStorage));
    assert.deepEqual(
      left.filter((key) => key.startsWith('ordercast-mobile')),
      [],
    );
    await page.context().close();
    await network.dispose();
    page = await openPage(shop.browser);
  });

  it('opens without a network, with the orders as they were', async () => {
    const { id, number } = await shop.customer.placeOrder();
    await signInLive(page, shop.server.origin);
    await page.getByTestId(`order-${id}`).waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await page.context().setOffline(true);
    await page.reload();
    await page.getByTestId('unreachable').waitFor();
    await page.getByTestId(`order-${id}`).click();
    await page.getByTestId('order-detail').getByTestId('status-PENDING').waitFor();
    await assertAxeClean(page);
    await page.context().setOffline(false);
    await page.getByRole('heading', { name: `Order #${number}` }).waitFor();
    await page.getByTestId('connection-live').waitFor();
  });

  it('finds an order that is not its own neither shown nor explained', async () => {
    const other = await ApiUser.signIn(shop.server, 'customer2');
    const { id } = await other.placeOrder();
    await signIn(page, shop.server.origin, `#/orders/${id}`);
    await page.getByRole('alert').waitFor();
    await assertAxeClean(page);
    assert.equal(await page.getByTestId('order-detail').count(), 0);
  });

  for (const width of [390, 768, 1280]) {
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      it(`fits a screen of ${width} px, ${colorScheme}`, async () => {
        const height = width === 390 ? 844 : 1024;
        const looked = await openPage(shop.browser, { width, height, colorScheme });
        const { id } = await shop.customer.placeOrder('ONLINE');
        await signInLive(looked, shop.server.origin);
        const shot = async (/** @type {string} */ name) => {
          const overflow = await looked.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          );
          assert.equal(overflow, 0, 'nothing sticks out');
          await assertAxeClean(looked);
          await picture(looked, `mobile-${name}-${width}-${colorScheme}`);
        };
        await looked.getByTestId(`order-${id}`).waitFor();
        await shot('orders');
        await openOrder(looked, id);
        await shot('order');
        await looked.goto(`${shop.server.origin}/mobile/#/new`);
        await looked.getByRole('button', { name: 'One more Assam Tea 500 g' }).click();
        await shot('new');
        assertNoFaults(looked);
        await looked.context().close();
      });
    }
  }
});
