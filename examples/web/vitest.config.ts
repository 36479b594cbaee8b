// SPDX-License-Identifier: MIT

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['*/test/**/*.test.{ts,tsx}'],
    // A loaded machine is slow, not wrong.
    testTimeout: 30_000,
  },
});
