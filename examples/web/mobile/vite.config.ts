// SPDX-License-Identifier: MIT

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

/**
 * The app in a browser: here `react-native` is react-native-web (package.json), and `.web` files go before the
 * others. `ORDER_SERVER=http://127.0.0.1:7001 npm run dev -w mobile` serves the sources.
 */
const server = process.env.ORDER_SERVER ?? 'http://127.0.0.1:7001';

/** Makes sw.js from its source here and the names of the build's files. */
function shellWorker(): Plugin {
  return {
    name: 'shell-worker',
    apply: 'build',
    generateBundle(_, bundle) {
      const names = Object.keys(bundle).filter((name) => !name.endsWith('.html'));
      const files = ['/mobile/', ...names.map((name) => `/mobile/${name}`)];
      const version = createHash('sha256').update(files.join('\n')).digest('hex').slice(0, 12);
      const source = readFileSync(new URL('./sw.js', import.meta.url), 'utf8')
        .replace("['/* files */']", JSON.stringify(files))
        .replace('VERSION', version);
      this.emitFile({ type: 'asset', fileName: 'sw.js', source });
    },
  };
}

export default defineConfig({
  base: '/mobile/',
  plugins: [shellWorker()],
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
