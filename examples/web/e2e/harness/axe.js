// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import axe from 'axe-core';
import { until } from './browser.js';

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Fails with what axe finds in the page as it is now. @param {import('playwright-core').Page} page */
export async function assertAxeClean(page) {
  // While something fades in, its colours are mixed with what is behind it.
  await until('nothing moves any more', () =>
    page.evaluate(() =>
      document.getAnimations().every(({ playState, effect }) => {
        const { iterations } = effect?.getComputedTiming() ?? {};
        return playState !== 'running' || iterations === Number.POSITIVE_INFINITY;
      }),
    ),
  );
  await page.evaluate(axe.source);
  const found = await page.evaluate(async (runOnly) => {
    const { violations } = await /** @type {any} */ (globalThis).axe.run(document, { runOnly });
    return violations.map((/** @type {any} */ violation) => ({
      id: violation.id,
      nodes: violation.nodes.map(
        (/** @type {any} */ node) => `${node.html} ${node.failureSummary}`,
      ),
    }));
  }, rules);
  assert.deepEqual(found, []);
}
