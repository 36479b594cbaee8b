// SPDX-License-Identifier: MIT
// What cases do at the desk's list.

/** @typedef {import('playwright-core').Page} Page */

/** @param {Page} page @param {string} id */
export const row = (page, id) => page.locator(`tr[data-order-id="${id}"]`);

/** @param {Page} page */
export const leaveList = (page) => page.mouse.move(4, 4);

/** @param {Page} page */
export const focused = (page) => page.evaluate(() => document.activeElement?.textContent ?? '');
