// SPDX-License-Identifier: MIT

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {{ id: string, status: string }} Shown */

/** What a list of the desk shows. @param {Page} page @returns {Promise<Shown[]>} */
export function deskShows(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('tr[data-order-id]')].map((row) => ({
      id: row.getAttribute('data-order-id') ?? '',
      status: row.getAttribute('data-status') ?? '',
    })),
  );
}

/** The orders on the kitchen's screen, which says their status by where they are. @param {Page} page @returns {Promise<Shown[]>} */
export function kitchenShows(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('.kitchen-card')].map((card) => ({
      id: card.getAttribute('data-order-id') ?? '',
      status: '',
    })),
  );
}

/** What a customer's list shows. @param {Page} page @returns {Promise<Shown[]>} */
export function appShows(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('a[data-testid^="order-"]')].map((card) => ({
      id: card.getAttribute('data-testid')?.slice('order-'.length) ?? '',
      status:
        card.querySelector('[data-testid^="status-"]')?.getAttribute('data-testid')?.slice(7) ?? '',
    })),
  );
}

/**
 * Bytes of the heap and nodes of the document after a collection.
 *
 * @param {Page} page
 * @returns {Promise<{ heap: number, nodes: number }>}
 */
export async function weigh(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  await session.detach();
  const value = (/** @type {string} */ name) =>
    metrics.find((metric) => metric.name === name)?.value ?? 0;
  return { heap: value('JSHeapUsedSize'), nodes: value('Nodes') };
}
