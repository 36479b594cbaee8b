// SPDX-License-Identifier: MIT

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** `ORDER_SERVER=http://127.0.0.1:7001 npm run dev -w admin` serves the sources in front of a running server. */
const server = process.env.ORDER_SERVER ?? 'http://127.0.0.1:7001';

/** Makes sw.js from its source here and the names of the build's files. */
function shellWorker(): Plugin {
  return {
    name: 'shell-worker',
    apply: 'build',
    generateBundle(_, bundle) {
      const files = ['/', '/favicon.svg', ...Object.keys(bundle).map((name) => `/${name}`)].filter(
        (name) => !name.endsWith('.html'),
      );
      const version = createHash('sha256').update(files.join('\n')).digest('hex').slice(0, 12);
      const source = readFileSync(new URL('./sw.js', import.meta.url), 'utf8')
        .replace("['/* files */']", JSON.stringify(files))
        .replace('VERSION', version);
      this.emitFile({ type: 'asset', fileName: 'sw.js', source });
    },
  };
}

/** Writes a gzipped copy beside each script and style, which order_server sends to whoever takes it. */
function gzippedCopies(): Plugin {
  return {
    name: 'gzipped-copies',
    apply: 'build',
    writeBundle({ dir = '' }, bundle) {
      for (const name of Object.keys(bundle).filter((file) => /\.(js|css)$/.test(file))) {
        const path = join(dir, name);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  esbuild: { jsx: 'automatic' },
  plugins: [shellWorker(), gzippedCopies()],
  build: {
    // Beside the C++ builds, where `./dev demo` and the tests give it to order_server.
    outDir: '../../../build/web',
    emptyOutDir: true,
    target: 'es2022',
    cssTarget: 'chrome123',
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': { target: server },
      '/ws': { target: server, ws: true },
    },
  },
});
