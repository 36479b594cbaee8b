// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { ApiUser, forgeToken } from '../harness/api.js';
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
  setVisibility,
  signIn,
  sockets,
  until,
} from '../harness/browser.js';
import { Network } from '../harness/network.js';
import { jwtSecret, Server } from '../harness/server.js';

/** Longest waits: a draw of 0 shortens nothing. @param {import('playwright-core').Page} page */
async function takeNoChances(page) {
  await page.evaluate(() => {
    Math.random = () => 0;
  });
}

describe('the connection', { timeout: 10 * patience }, () => {
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** @type {Server} */
  let server;
  /** @type {Network} */
  let network;
  /** @type {ApiUser} */
  let admin;

  before(async () => {
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
  });
  beforeEach(async () => {
    server = await Server.start();
    network = await Network.to(server);
    admin = await ApiUser.signIn(server, 'admin');
  });
  afterEach(async () => {
    await network?.dispose();
    await server?.dispose();
  });

  it('server killed and restarted: all clients reconnect, resubscribe and show the change made meanwhile', async () => {
    const pages = await Promise.all([openPage(browser), openPage(browser), openPage(browser)]);
    const [list, first, second] = pages;
    const [{ id }, { id: other }] = await admin.orders('PENDING');
    for (const page of pages) {
      await signIn(page, network.origin, 'admin');
      await connectionIs(page, 'live');
    }
    await openOrder(first, id);
    await openOrder(second, other);
    await list.getByRole('link', { name: /^All/ }).click(); // A cancelled order leaves the open ones.
    await listShows(list, id, 'PENDING');

    network.goDown();
    await server.restart();
    await Promise.all(pages.map((page) => connectionIs(page, 'waiting')));
    await picture(list, 'admin-reconnecting');
    await admin.setStatus(id, 'CONFIRMED', 'while you were away');
    await admin.setStatus(other, 'CANCELLED');
    network.comeUp();

    await Promise.all(pages.map((page) => connectionIs(page, 'live')));
    await orderShows(first, 'CONFIRMED');
    await first.getByText('while you were away').waitFor();
    await orderShows(second, 'CANCELLED');
    await listShows(list, id, 'CONFIRMED');
    await listShows(list, other, 'CANCELLED');
    for (const page of pages) {
      assertNoFaults(page);
      await page.context().close();
    }
  });

  it('tab hidden, socket dropped, tab shown: reconnects at once', async () => {
    const page = await openLivePage(browser, network.origin, 'admin', { clock: true });
    const [{ id }] = await admin.orders('PENDING');
    await openOrder(page, id);
    await setVisibility(page, 'hidden');
    // From here time stands still: what happens next is not because some wait was over.
    await page.clock.pauseAt(await page.evaluate(() => Date.now() + 5000));
    network.cut();
    await connectionIs(page, 'waiting');
    await admin.setStatus(id, 'CONFIRMED');
    assert.equal((await sockets(page)).length, 1);

    await setVisibility(page, 'visible');
    await connectionIs(page, 'live');
    await orderShows(page, 'CONFIRMED');
    assert.equal((await sockets(page)).length, 2);
    await page.context().close();
  });

  it('token expired at reconnect: refresh, then live', async () => {
    const page = await openPage(browser);
    // The server will come back with another key. The access token is then as good as expired (both are 4001), the
    // refresh token is one of the new key.
    const newSecret = `${jwtSecret}, renewed`;
    const refreshToken = forgeToken({ sub: 'user-admin', type: 'refresh' }, newSecret);
    await page.route('**/api/v1/auth/login', async (route) => {
      const response = await route.fetch();
      const answer = await response.json();
      answer.data.refreshToken = refreshToken;
      await route.fulfill({ response, json: answer });
    });
    await signIn(page, network.origin, 'admin');
    await connectionIs(page, 'live');
    const [{ id }] = await admin.orders('PENDING');
    await openOrder(page, id);

    network.goDown();
    await server.restart({ env: { JWT_SECRET: newSecret } });
    admin = await ApiUser.signIn(server, 'admin');
    await admin.setStatus(id, 'CONFIRMED');
    network.comeUp();
    await orderShows(page, 'CONFIRMED');
    await connectionIs(page, 'live');
    const tried = (await sockets(page)).filter(({ opened }) => opened);
    assert.deepEqual(
      tried.map(({ code }) => code),
      [tried[0]?.code, 4001, 0],
      'the old token was refused once, and no more',
    );
    await page.context().close();
  });

  it('server unreachable: backoff 1, 2, 4, 8 ... 30 s, then resets', async () => {
    const page = await openLivePage(browser, network.origin, 'admin', { clock: true });
    await takeNoChances(page);
    await page.clock.pauseAt(await page.evaluate(() => Date.now() + 6000)); // longer than 5 s: proved good
    const before = (await sockets(page)).length;

    const closed = (/** @type {number} */ count) =>
      until(`${count} sockets were made and closed`, async () => {
        const all = await sockets(page);
        return all.length === count && all.every((socket) => socket.closed);
      });
    const made = async () => (await sockets(page)).length;

    network.goDown();
    for (const [index, seconds] of [1, 2, 4, 8, 16, 30, 30].entries()) {
      await closed(before + index);
      await connectionIs(page, 'waiting');
      await page.clock.runFor(seconds * 1000 - 1);
      assert.equal(await made(), before + index, `no attempt before ${seconds} s`);
      await page.clock.runFor(2);
      await until(`an attempt after ${seconds} s`, async () => (await made()) > before + index);
    }
    await closed(before + 7);
    await connectionIs(page, 'waiting');

    network.comeUp();
    await page.clock.runFor(30_001); // the virtual clock counts in fractions, and a timer may be one late
    await connectionIs(page, 'live');
    await page.clock.runFor(5000);
    const now = await made();
    network.goDown();
    await closed(now);
    await connectionIs(page, 'waiting');
    await page.clock.runFor(999);
    assert.equal(await made(), now);
    await page.clock.runFor(2);
    await until('an attempt after 1 s again', async () => (await made()) === now + 1);
    await page.context().close();
  });

  it('socket hangs without close: found by the ping deadline', async () => {
    const page = await openLivePage(browser, network.origin, 'admin', { clock: true });
    const [{ id }] = await admin.orders('PENDING');
    await openOrder(page, id);
    await page.clock.pauseAt(await page.evaluate(() => Date.now() + 1000));
    network.hangWebSockets();
    await admin.setStatus(id, 'CONFIRMED');
    assert.equal((await sockets(page)).length, 1);
    // A ping after 25 s without a word, its deadline 10 s later, then the shortest wait of the backoff.
    await page.clock.runFor(25_000);
    await page.clock.runFor(10_000);
    await page.clock.runFor(1000);
    await until('another socket', async () => (await sockets(page)).length === 2);
    await connectionIs(page, 'live');
    await orderShows(page, 'CONFIRMED');
    await page.context().close();
  });

  it('fallback poll shows a change while the socket is blocked', async () => {
    const page = await openLivePage(browser, network.origin, 'admin', { clock: true });
    const list = await openLivePage(browser, network.origin, 'admin', { clock: true });
    const [{ id }] = await admin.orders('PENDING');
    await openOrder(page, id);
    await listShows(list, id, 'PENDING');

    network.refuseWebSockets(true);
    for (const each of [page, list]) {
      await connectionIs(each, 'waiting');
      await each.clock.pauseAt(await each.evaluate(() => Date.now() + 1000));
    }
    await admin.setStatus(id, 'CONFIRMED');
    for (const each of [page, list]) await each.clock.runFor(60_000);
    await orderShows(page, 'CONFIRMED');
    await listShows(list, id, 'CONFIRMED');
    assert.equal(await page.locator('.connection[data-state="live"]').count(), 0);
    await Promise.all([page.context().close(), list.context().close()]);
  });

  it('says that the device is offline, and goes on when it is back', async () => {
    const page = await openLivePage(browser, network.origin, 'admin');
    await page.context().setOffline(true);
    network.cut();
    await page.getByRole('status', { name: 'Connection' }).getByText('Offline').waitFor();
    await page.context().setOffline(false);
    await connectionIs(page, 'live');
    await page.context().close();
  });
});
