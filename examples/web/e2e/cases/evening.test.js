// SPDX-License-Identifier: MIT

import { it } from 'node:test';
import { runEvening } from '../evening/evening.js';
import { patience } from '../harness/browser.js';

it('ends a short busy evening with the truth on every screen', { timeout: 6 * patience }, () =>
  runEvening({ seconds: 20, customers: 5, orders: 20 }),
);
