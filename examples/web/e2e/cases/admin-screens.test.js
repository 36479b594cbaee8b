// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { ApiUser } from '../harness/api.js';
import { assertAxeClean } from '../harness/axe.js';
import {
  assertNoFaults,
  connectionIs,
  openLivePage,
  openPage,
  patience,
  picture,
  signIn,
  until,
} from '../harness/browser.js';
import { Network } from '../harness/network.js';
import { openShop } from '../harness/shop.js';

/** @typedef {import('playwright-core').Page} Page */

const longWord = 'Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen'.repeat(2);

/** Nothing is cut off or beside the screen. @param {Page} page @param {string} where */
async function assertFits(page, where) {
  const found = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const outside = [...document.querySelectorAll('main *, header *')].filter((element) => {
      const { left, right, width: own } = element.getBoundingClientRect();
      return (
        own > 1 &&
        (right > width + 1 || left < -1) &&
        !element.closest('.sr-only, thead, .tabs, details:not([open])')
      );
    });
    return {
      overflow: document.documentElement.scrollWidth - width,
      outside: outside.slice(0, 3).map((element) => element.outerHTML.slice(0, 120)),
    };
  });
  assert.deepEqual(found, { overflow: 0, outside: [] }, where);
}

/** Targets that a finger can hit. @param {Page} page */
async function assertTargets(page) {
  const small = await page.evaluate(() =>
    [...document.querySelectorAll('button, a, input, select, summary')]
      .filter((element) => element.getClientRects().length > 0 && !element.closest('.skip-link'))
      .filter((element) => !element.closest('p, label.switch'))
      .filter((element) => element.getBoundingClientRect().height < 43.5)
      .map((element) => element.outerHTML.slice(0, 120)),
  );
  assert.deepEqual(small, []);
}

describe('the screens of the admin panel', { timeout: 20 * patience }, () => {
  const shop = openShop();
  /** @type {any} */
  let order;

  before(async () => {
    const { customer } = shop;
    const [store] = await customer.call('GET', '/stores');
    const products = await customer.call('GET', `/products?storeId=${store.id}`);
    order = await customer.call('POST', '/orders', {
      storeId: store.id,
      items: products.map((/** @type {any} */ { id }) => ({ productId: id, quantity: 3 })),
      paymentMethod: 'COD',
      fulfillmentType: 'DELIVERY',
      deliveryAddress: `${longWord}, second floor`,
      note: `No onions, ${longWord}`,
    });
  });

  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    // 640 is a screen of 1280 at a zoom of 200 %.
    for (const width of [390, 640, 768, 1280, 1920]) {
      it(`are accessible and fit, ${colorScheme}, ${width} pixels wide`, async () => {
        const height = width === 390 ? 844 : 900;
        const hasTouch = width === 390 || width === 768;
        const page = await openPage(shop.browser, { colorScheme, width, height, hasTouch });
        const name = `${colorScheme}-${width}`;
        await signIn(page, shop.server.origin, 'admin');
        await connectionIs(page, 'live');
        await page.locator('tbody tr').first().waitFor();
        await assertAxeClean(page);
        await assertFits(page, 'the list');
        if (hasTouch) await assertTargets(page);
        await picture(page, `admin-list-${name}`);

        await page.locator(`tr[data-order-id="${order.id}"] a.order-link`).click();
        await page.locator('article').waitFor();
        assert.equal(await page.locator('.list-pane').isVisible(), width >= 1400);
        await assertAxeClean(page);
        await assertFits(page, 'the order');
        if (hasTouch) await assertTargets(page);
        await picture(page, `admin-detail-${name}`);

        await page.getByRole('link', { name: 'Kitchen' }).click();
        await page.locator('.kitchen-card').first().waitFor();
        await assertAxeClean(page);
        await assertFits(page, 'the kitchen');
        await picture(page, `admin-kitchen-${name}`);
        assertNoFaults(page);
        await page.context().close();
      });
    }
  }

  it('show cards below 960 pixels, where the step can be seen and clicked', async () => {
    for (const width of [744, 768, 940]) {
      const page = await openPage(shop.browser, { width, height: 900 });
      await signIn(page, shop.server.origin, 'admin');
      const step = page.locator('button.step-slot').first();
      await step.waitFor();
      const box = await step.boundingBox();
      assert.ok(box !== null && box.x >= 0 && box.x + box.width <= width, `${width}`);
      assert.equal(
        await page
          .locator('tbody tr')
          .first()
          .evaluate((row) => getComputedStyle(row).display),
        'grid',
      );
      await page.context().close();
    }
  });

  it('show more rows in the compact setting', async () => {
    const height = async (/** @type {boolean} */ compact) => {
      const page = await openPage(shop.browser, { settings: { compact } });
      await signIn(page, shop.server.origin, 'admin');
      const box = await page.locator('tbody tr').first().boundingBox();
      await page.context().close();
      return box?.height ?? 0;
    };
    const [roomy, compact] = [await height(false), await height(true)];
    assert.ok(compact < roomy * 0.9, `${compact} instead of ${roomy}`);
  });

  it('open without a network, and say so', async () => {
    const network = await Network.to(shop.server);
    const page = await openLivePage(shop.browser, network.origin, 'admin');
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    network.goDown();
    await page.reload();
    await page.getByRole('alert').waitFor();
    await page.getByText('You are still signed in.').waitFor();
    await assertAxeClean(page);
    network.comeUp();
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.locator('tbody tr').first().waitFor();
    await page.context().close();
    await network.dispose();
  });

  it('need at most 120 kB of scripts and styles over the wire for the first form', async () => {
    const page = await openPage(shop.browser);
    const inspector = await page.context().newCDPSession(page);
    await inspector.send('Network.enable');
    /** @type {Map<string, string>} */
    const kinds = new Map();
    /** @type {Record<string, number>} */
    const bytes = {};
    inspector.on('Network.responseReceived', ({ requestId, type }) => kinds.set(requestId, type));
    inspector.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      const kind = kinds.get(requestId) ?? '';
      bytes[kind] = (bytes[kind] ?? 0) + encodedDataLength;
    });
    await page.goto(shop.server.origin);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    const { Script = 0, Stylesheet = 0 } = bytes;
    assert.ok(Script > 0 && Stylesheet > 0);
    assert.ok(Script + Stylesheet <= 120_000, `${Script + Stylesheet} bytes`);
    await page.context().close();
  });

  it('ask for one list in two seconds and tab, however many orders come', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    await page.locator('tbody tr').first().waitFor();
    /** @type {number[]} */
    const lists = [];
    page.on('request', (request) => {
      if (/\/orders\?/.test(request.url())) lists.push(Date.now());
    });
    const customer = await ApiUser.signIn(shop.server, 'customer2');
    const from = Date.now();
    for (let placed = 0; placed < 20; placed += 1) await customer.placeOrder();
    await until('the page has them', async () =>
      ((await page.locator('.tab', { hasText: 'Pending' }).textContent()) ?? '').includes('33'),
    );
    const seconds = (Date.now() - from) / 1000;
    assert.ok(lists.length <= seconds / 2 + 2, `${lists.length} lists in ${seconds} s`);
    await page.context().close();
  });
});
