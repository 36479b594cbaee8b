// SPDX-License-Identifier: MIT

/** @typedef {import('playwright-core').Page} Page */

/** How long a person needs from looking to clicking. */
const reactionMs = 250;
/** The screen guards for 700 ms what has moved. Who takes longer, on a machine under load, looks again. */
const patienceMs = 600;

/** What each step's button says. */
const steps = /** @type {const} */ ({
  Confirm: 'CONFIRMED',
  'Start preparing': 'PREPARING',
  'Mark ready': 'READY',
  'Send out': 'OUT_FOR_DELIVERY',
  'Mark delivered': 'DELIVERED',
});

/**
 * A member of the staff who looks at an order's step, and clicks where it was a moment later. What they meant is noted,
 * and so is what the page then asked of the server: it must never ask for what no user meant.
 */
export class Staff {
  #page;
  #name;
  #button;
  /** @type {Set<string>} */
  #meant = new Set();
  /** Changes that no user at this screen has meant. @type {string[]} */
  wrong = [];
  /** How many changes the page has asked for. */
  taken = 0;

  /** @param {Page} page @param {string} name @param {string} button */
  constructor(page, name, button) {
    this.#page = page;
    this.#name = name;
    this.#button = button;
    page.on('request', (request) => {
      const match = /\/orders\/([^/]+)\/status$/.exec(request.url());
      if (match === null || request.method() !== 'PATCH') return;
      const { status } = request.postDataJSON();
      this.taken += 1;
      if (!this.#meant.has(`${match[1]} ${status}`)) {
        this.wrong.push(`${this.#name}: ${match[1]} to ${status}`);
      }
    });
  }

  /** Looks at one of the steps on the screen and clicks it. @param {number} draw from 0 up to 1 */
  async work(draw) {
    const from = Date.now();
    const seen = await this.#page.evaluate(look, { selector: this.#button, draw });
    if (seen === null) return;
    const status = Object.entries(steps).find(([text]) => seen.text.includes(text))?.[1];
    if (status === undefined) return;
    await this.#page.mouse.move(seen.x, seen.y);
    this.#meant.add(`${seen.orderId} ${status}`);
    await this.#page.waitForTimeout(reactionMs);
    if (Date.now() - from > patienceMs) return;
    await this.#page.mouse.click(seen.x, seen.y);
  }
}

/**
 * In the page: a step that can be clicked, and where it is; null if there is none.
 *
 * @param {{ selector: string, draw: number }} options
 */
function look({ selector, draw }) {
  const buttons = [...document.querySelectorAll(selector)].filter((button) => {
    const { top, bottom } = button.getBoundingClientRect();
    return top > 0 && bottom < innerHeight && !button.ariaDisabled;
  });
  const button = buttons[Math.floor(draw * buttons.length)];
  const orderId = button?.closest('[data-order-id]')?.getAttribute('data-order-id');
  if (button === undefined || !orderId) return null;
  const { left, top, width, height } = button.getBoundingClientRect();
  return { orderId, text: button.textContent ?? '', x: left + width / 2, y: top + height / 2 };
}
