// SPDX-License-Identifier: MIT

import { runEvening } from './evening.js';

/** `node main.js [MINUTES]`: an evening with ten orders a minute. */
const minutes = Number(process.argv[2] ?? '60');
if (!Number.isFinite(minutes) || minutes <= 0 || minutes > 24 * 60) {
  process.stderr.write(
    `evening: minutes are a number above 0 and up to 1440, not "${process.argv[2]}"\n`,
  );
  process.exit(2);
}
const started = Date.now();
await runEvening({
  seconds: minutes * 60,
  customers: 30,
  orders: Math.ceil(minutes * 10),
  log: (line) => process.stdout.write(`${Math.round((Date.now() - started) / 1000)} s: ${line}\n`),
});
