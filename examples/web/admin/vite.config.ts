// SPDX-License-Identifier: MIT

import { defineConfig } from 'vite';

/** `ORDER_SERVER=http://127.0.0.1:7001 npm run dev -w admin` serves the sources in front of a running server. */
const server = process.env.ORDER_SERVER ?? 'http://127.0.0.1:7001';

export default defineConfig({
  esbuild: { jsx: 'automatic' },
  build: {
    // Beside the C++ builds, where `./dev demo` and the tests give it to order_server.
    outDir: '../../../build/web',
    emptyOutDir: true,
    target: 'es2022',
    rollupOptions: {
      onwarn(warning, warn) {
        // "use client" is for servers that render; here all is the client.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': { target: server },
      '/ws': { target: server, ws: true },
    },
  },
});
