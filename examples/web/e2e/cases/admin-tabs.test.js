// SPDX-License-Identifier: MIT
// What is left behind when a page ends, and what several tabs of one browser do together.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  connectionIs,
  openLivePage,
  openPage,
  patience,
  signIn,
  until,
} from '../harness/browser.js';
import { leaveList, row } from '../harness/desk.js';
import { openShop } from '../harness/shop.js';

/** @typedef {import('playwright-core').Page} Page */

/** How often each way to leave a page is tried. */
const rounds = Number(process.env.ORDERCAST_ROUNDS ?? 1);

/** The ways in which a page ends within the seconds in which a step can be undone. */
const endings = {
  'is closed': (/** @type {Page} */ page) => page.close(),
  'is left for another site': (/** @type {Page} */ page) => page.goto('about:blank'),
  'is left for another page': (/** @type {Page} */ page) =>
    page.goto(new URL('/mobile/', page.url()).href),
  'is loaded again': (/** @type {Page} */ page) => page.reload(),
  'ends with its browser’s window': (/** @type {Page} */ page) => page.context().close(),
};

/** Counts the tones that a page plays. */
function countTones() {
  const scope = /** @type {any} */ (globalThis);
  const start = scope.OscillatorNode.prototype.start;
  scope.tones = 0;
  scope.OscillatorNode.prototype.start = function (/** @type {number[]} */ ...when) {
    scope.tones += 1;
    return start.apply(this, when);
  };
}

/** @param {Page} page @returns {Promise<number>} */
const tones = (page) => page.evaluate(() => /** @type {any} */ (globalThis).tones);

describe('the desk in tabs', { timeout: 20 * patience }, () => {
  const shop = openShop();

  /** @param {string} id @param {string} status */
  const reaches = (id, status) =>
    until(`${id} is ${status}`, async () => {
      const order = await shop.admin.call('GET', `/orders/${id}`);
      return order.status === status;
    });

  /** A new order, and the click on its step. @param {Page} page */
  async function takeStep(page) {
    const { id } = await shop.customer.placeOrder();
    await leaveList(page);
    await row(page, id).locator('.step-slot').click();
    await row(page, id).locator('[data-unsent]').first().waitFor();
    return id;
  }

  /** Another tab of the same browser, live. @param {Page} page */
  async function anotherTab(page) {
    const other = await page.context().newPage();
    await other.goto(shop.server.origin);
    await connectionIs(other, 'live');
    return other;
  }

  for (const [ending, end] of Object.entries(endings)) {
    it(`send the step of a page that ${ending}`, async () => {
      for (let round = 0; round < rounds; round += 1) {
        const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
        const context = page.context();
        const id = await takeStep(page);
        const { status } = await shop.admin.call('GET', `/orders/${id}`);
        assert.equal(status, 'PENDING', 'it can still be undone');
        await end(page);
        await reaches(id, 'CONFIRMED');
        await shop.admin.setStatus(id, 'CANCELLED'); // The next one has to fit on the first page.
        await context.close();
      }
    });
  }

  it('send the step of a page that was killed, when the next one opens', async () => {
    const page = await openPage(shop.browser, { settings: { undoSeconds: 1 } });
    await signIn(page, shop.server.origin, 'admin');
    await page.route('**/status', (route) => route.abort()); // Nothing of it gets out.
    const id = await takeStep(page);
    const crashed = page.waitForEvent('crash');
    void page.goto('chrome://crash').catch(() => undefined);
    await crashed;
    const next = await anotherTab(page);
    await reaches(id, 'CONFIRMED');
    await next.context().close();
  });

  it('send the step that waits in one before another signs out', async () => {
    const page = await openLivePage(shop.browser, shop.server.origin, 'admin');
    const other = await anotherTab(page);
    const id = await takeStep(page);
    await other.getByRole('button', { name: /account of/ }).click();
    await other.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await reaches(id, 'CONFIRMED');
    await page.context().close();
  });

  it('ring in one of them, and fall silent in all', async () => {
    const page = await openPage(shop.browser);
    await page.context().addInitScript(countTones);
    await signIn(page, shop.server.origin, 'admin');
    await connectionIs(page, 'live');
    const other = await anotherTab(page);
    await other.mouse.click(640, 4); // The browser lets the tab ring that was touched.
    await page.mouse.click(640, 4);
    const badge = (/** @type {Page} */ tab) =>
      tab.getByRole('link', { name: '1 new', exact: true });
    await Promise.all([page, other].map((tab) => tab.locator('tbody tr').first().waitFor()));
    const { id } = await shop.customer.placeOrder();
    await Promise.all([badge(page).waitFor(), badge(other).waitFor()]);
    await until('the touched one rings twice', async () => (await tones(page)) >= 6);
    assert.equal(await tones(other), 0);
    await other.mouse.click(640, 4);
    await until(
      'the other rings, now that the user is there',
      async () => (await tones(other)) > 0,
    );
    const silent = await tones(page);
    const before = await tones(other);
    await until('it goes on', async () => (await tones(other)) > before);
    assert.equal(await tones(page), silent);
    await page.close();
    await other.goto(`${shop.server.origin}/#/orders/${id}`);
    await badge(other).waitFor({ state: 'hidden' });
    await other.context().close();
  });

  it('ring where one was closed', async () => {
    const page = await openPage(shop.browser);
    await page.context().addInitScript(countTones);
    await signIn(page, shop.server.origin, 'admin');
    const other = await anotherTab(page);
    await other.mouse.click(640, 4);
    await page.mouse.click(640, 4);
    await page.close();
    await other.locator('tbody tr').first().waitFor();
    await shop.customer.placeOrder();
    await until('the one that is left rings', async () => (await tones(other)) >= 3);
    await other.context().close();
  });

  it('notify once of an order where nobody looks, and open it by a click', async () => {
    const page = await openPage(shop.browser, { settings: { notifications: true } });
    await page.context().addInitScript(() => {
      const scope = /** @type {any} */ (globalThis);
      scope.notes = [];
      scope.Notification = class {
        static permission = 'granted';
        onclick = () => {};
        /** @param {string} title @param {{ tag: string }} options */
        constructor(title, { tag }) {
          scope.notes.push({ title, tag, click: () => this.onclick() });
        }
        close() {}
      };
    });
    await signIn(page, shop.server.origin, 'admin');
    const other = await anotherTab(page);
    const notes = (/** @type {Page} */ tab) =>
      tab.evaluate(() =>
        /** @type {any} */ (globalThis).notes.map((/** @type {any} */ { tag }) => tag),
      );
    await page.mouse.click(640, 4);
    await Promise.all([page, other].map((tab) => tab.locator('tbody tr').first().waitFor()));
    const seen = await shop.customer.placeOrder();
    await row(page, seen.id).waitFor();
    for (const tab of [page, other]) {
      await tab.evaluate(() => /** @type {any} */ (globalThis).setVisibility('hidden'));
    }
    const { id } = await shop.customer.placeOrder();
    await until('one notifies', async () => (await notes(page)).length > 0);
    await row(other, id).waitFor();
    assert.deepEqual([await notes(page), await notes(other)], [[id], []]);
    await page.evaluate(() => /** @type {any} */ (globalThis).notes[0].click());
    await page.locator(`article[data-order-id="${id}"]`).waitFor();
    await page.context().close();
  });

  it('put the number of new orders on an installed page’s badge', async () => {
    const page = await openPage(shop.browser);
    await page.addInitScript(() => {
      const scope = /** @type {any} */ (globalThis);
      scope.badge = 0;
      const set = async (/** @type {number} */ count) => {
        scope.badge = count;
      };
      Object.assign(navigator, { setAppBadge: set, clearAppBadge: () => set(0) });
    });
    await signIn(page, shop.server.origin, 'admin');
    const badge = () => page.evaluate(() => /** @type {any} */ (globalThis).badge);
    await page.waitForResponse(/status=PENDING&/);
    await shop.customer.placeOrder();
    await until('it says 1', async () => (await badge()) === 1);
    await page.getByRole('button', { name: 'Silence' }).click();
    await until('it is gone', async () => (await badge()) === 0);
    await page.context().close();
  });

  it('keep the kitchen’s screen awake while it is shown, and no longer', async () => {
    const page = await openPage(shop.browser);
    await page.addInitScript(() => {
      const scope = /** @type {any} */ (globalThis);
      scope.locks = { asked: 0, held: 0 };
      const request = async () => {
        scope.locks.asked += 1;
        scope.locks.held += 1;
        return {
          release: async () => {
            scope.locks.held -= 1;
          },
        };
      };
      Object.defineProperty(navigator, 'wakeLock', { value: { request } });
    });
    await signIn(page, shop.server.origin, 'admin');
    const held = () => page.evaluate(() => /** @type {any} */ (globalThis).locks.held);
    assert.equal(await held(), 0);
    await page.getByRole('link', { name: 'Kitchen' }).click();
    await until('the screen is kept awake', async () => (await held()) === 1);
    await page.getByRole('link', { name: 'Orders', exact: true }).click();
    await until('the screen may sleep', async () => (await held()) === 0);
    await page.context().close();
  });
});
