// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { ApiUser } from '../harness/api.js';
import {
  assertNoFaults,
  launchBrowser,
  openPage,
  signIn,
  until,
  watchFaults,
} from '../harness/browser.js';
import { Network } from '../harness/network.js';
import { Server } from '../harness/server.js';
import { Customer } from './customers.js';
import { Staff } from './staff.js';
import { appShows, deskShows, kitchenShows, weigh } from './truth.js';

/** @typedef {import('playwright-core').Page} Page */

/** The shop that is busy, and what of it is still to be done. */
const storeId = 'store-1';
const open = 'PENDING,CONFIRMED,PREPARING,READY,OUT_FOR_DELIVERY';
const inKitchen = 'PENDING,CONFIRMED,PREPARING,READY';
const cutMs = 3000;
const password = 'evening-of-a-customer';

/** What happens when, as a part of the evening. */
const events = /** @type {const} */ ([
  [0.25, 'cut'],
  [0.45, 'restart'],
  [0.65, 'cut'],
]);

/** @param {number} ms */
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Numbers from 0 up to 1, the same ones each evening. @param {number} seed */
function draws(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * A busy evening of a shop: customers order, two tabs, a tablet and a kitchen screen work on their orders, the network
 * is cut twice and the server killed once. Fails if a screen asked for a change that no user meant, if an order was
 * placed twice or not at all, if a screen does not end with the truth, or if a screen grew.
 *
 * @param {{ seconds: number, customers: number, orders: number, log?: (line: string) => void }} options
 */
export async function runEvening({ seconds, customers: count, orders, log = () => undefined }) {
  const env = { RAZORPAY_KEY_SECRET: undefined };
  const [server, browser] = await Promise.all([Server.start({ env }), launchBrowser()]);
  const network = await Network.to(server);
  /** @type {Page[]} */
  const pages = [];
  try {
    const customers = await openAccounts(server, network, count);
    const [first] = customers;
    if (first === undefined) throw new Error('an evening needs a customer');
    const products = await first.call('GET', `/products?storeId=${storeId}`);

    const desk = async (/** @type {number} */ width, /** @type {number} */ height) => {
      const page = await openPage(browser, { width, height });
      pages.push(page);
      await signIn(page, network.origin, 'manager');
      return page;
    };
    const tabs = [await desk(1280, 860), await desk(1600, 900), await desk(768, 1024)];
    const kitchen = await desk(1920, 1080);
    await kitchen.goto(`${network.origin}/#/kitchen`);
    await kitchen.locator('.kitchen-columns').waitFor();
    const app = await openPage(browser, { width: 390, height: 844 });
    pages.push(app);
    await openApp(app, network.origin, first);
    const staff = [
      ...tabs.map((page, index) => new Staff(page, `tab ${index + 1}`, 'button.step-slot')),
      new Staff(kitchen, 'kitchen', '.kitchen-bump'),
    ];
    log(`${count} customers, ${pages.length} screens`);

    // ---- The evening ----
    const end = Date.now() + seconds * 1000;
    const isOver = () => Date.now() >= end;
    const draw = draws(1);
    /** @type {Awaited<ReturnType<typeof weigh>>[]} */
    let before = [];
    const ordering = async () => {
      for (let placed = 0; placed < orders; placed += 1) {
        const customer = customers[placed % customers.length];
        const product = products[placed % products.length];
        await Promise.all([
          customer?.order(storeId, product.id),
          pause(Math.max(0, (end - Date.now()) / (orders - placed))),
        ]);
      }
    };
    const working = async (/** @type {Staff} */ worker) => {
      while (!isOver()) {
        await worker.work(draw());
        await pause(200 + 400 * draw());
      }
    };
    const disturbing = async () => {
      for (const [part, event] of events) {
        await pause(Math.max(0, end - seconds * 1000 * (1 - part) - Date.now()));
        if (before.length === 0) before = await Promise.all(pages.map(weigh));
        log(event);
        if (event === 'restart') {
          await server.restart({ env });
        } else {
          network.goDown();
          await pause(cutMs);
          network.comeUp();
        }
      }
    };
    await Promise.all([ordering(), disturbing(), ...staff.map(working)]);

    // ---- The truth ----
    const manager = await ApiUser.signIn(server, 'manager');
    await until('all steps have been sent', async () => {
      for (const page of pages) if (await page.locator('[data-unsent]').count()) return false;
      return true;
    });
    // Everybody has gone home: their pointers and the focus of their last clicks lie in the lists, and hold nothing.
    for (const [index, page] of tabs.entries()) {
      await ends(`tab ${index + 1}`, async () => {
        const shown = await deskShows(page);
        const query = `status=${open}&sortBy=createdAt&sortOrder=asc&pageSize=50`;
        return [shown, await manager.call('GET', `/orders?${query}`)];
      });
    }
    await ends('the kitchen', async () => {
      const shown = await kitchenShows(kitchen);
      const query = `status=${inKitchen}&sortOrder=asc&pageSize=100`;
      const truth = await manager.call('GET', `/orders?${query}`);
      return [shown.sort(byId), truth.map(withoutStatus).sort(byId)];
    });
    for (const customer of customers) {
      const { total } = await customer.call('GET', '/orders/counts');
      assert.equal(total, customer.placed.length, `${customer.email}: each order once`);
    }
    await ends('the app', async () => {
      return [await appShows(app), await first.call('GET', '/orders?pageSize=20')];
    });

    assert.deepEqual(
      staff.flatMap(({ wrong }) => wrong),
      [],
      'no screen asked for what nobody meant',
    );
    const taken = staff.reduce((sum, worker) => sum + worker.taken, 0);
    const placed = customers.reduce((sum, customer) => sum + customer.placed.length, 0);
    assert.ok(taken > 0, 'staff has worked');
    assert.equal(placed, orders);
    const after = await Promise.all(pages.map(weigh));
    for (const [index, { heap, nodes }] of after.entries()) {
      const start = before[index] ?? { heap: 0, nodes: 0 };
      log(
        `screen ${index + 1}: heap ${mb(start.heap)} to ${mb(heap)}, nodes ${start.nodes} to ${nodes}`,
      );
      assert.ok(heap < 1.5 * start.heap + 8e6, `the heap of screen ${index + 1} stays flat`);
      assert.ok(nodes < 2 * start.nodes + 5000, `the document of screen ${index + 1} stays flat`);
    }
    for (const page of pages) assertNoFaults(page);
    log(`${placed} orders, ${taken} steps, no wrong click, every screen tells the truth`);
  } finally {
    await browser.close();
    await network.dispose();
    await server.dispose();
  }
}

/** @param {Server} server @param {Network} network @param {number} count */
async function openAccounts(server, network, count) {
  const customers = [];
  for (let index = 0; index < count; index += 1) {
    const email = `guest-${index + 1}@evening.test`;
    server.addCustomer(email, password);
    const customer = new Customer(network, email, password);
    await customer.signIn();
    customers.push(customer);
  }
  return customers;
}

/** @param {Page} page @param {string} origin @param {Customer} customer */
async function openApp(page, origin, customer) {
  watchFaults(page);
  await page.goto(`${origin}/mobile/`);
  await page.getByLabel('Email').fill(customer.email);
  await page.getByLabel('Password').fill(customer.password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'My orders' }).waitFor();
}

/** @typedef {import('./truth.js').Shown} Shown */

/** @param {Shown} a @param {Shown} b */
const byId = (a, b) => a.id.localeCompare(b.id);
/** @param {Shown} order */
const withoutStatus = ({ id }) => ({ id, status: '' });

/**
 * Waits until a screen shows what is so, and says what it shows instead.
 *
 * @param {string} screen
 * @param {() => Promise<[Shown[], Shown[]]>} compare what is shown, and what is so
 */
async function ends(screen, compare) {
  const lines = (/** @type {Shown[]} */ orders) =>
    orders.map(({ id, status }) => `${id} ${status}`);
  /** @type {string[]} */
  let shown = [];
  /** @type {string[]} */
  let truth = [];
  try {
    await until(screen, async () => {
      const [seen, known] = await compare();
      shown = lines(seen);
      truth = lines(known);
      return shown.join() === truth.join();
    });
  } catch {
    assert.deepEqual(shown, truth, `${screen} ends with the truth`);
  }
}

/** @param {number} bytes */
const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
