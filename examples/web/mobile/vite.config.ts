// SPDX-License-Identifier: MIT

import { defineConfig } from 'vite';

/**
 * The app in a browser: here `react-native` is react-native-web (package.json), and `.web` files go before the
 * others. `ORDER_SERVER=http://127.0.0.1:7001 npm run dev -w mobile` serves the sources.
 */
const server = process.env.ORDER_SERVER ?? 'http://127.0.0.1:7001';

export default defineConfig({
  base: '/mobile/',
  esbuild: { jsx: 'automatic' },
  define: { __DEV__: 'false', 'process.env.NODE_ENV': JSON.stringify('production') },
  resolve: {
    extensions: ['.web.tsx', '.web.ts', '.tsx', '.ts', '.jsx', '.js', '.json'],
    dedupe: ['react', 'react-dom'],
  },
  build: {
    // Inside what the admin panel's build makes, which empties the folder: so it is built after it.
    outDir: '../../../build/web/mobile',
    emptyOutDir: true,
    target: 'es2022',
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: server }, '/ws': { target: server, ws: true } },
  },
});
