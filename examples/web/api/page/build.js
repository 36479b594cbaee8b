// SPDX-License-Identifier: MIT

import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { documentsFolder, readDocuments } from '../documents.js';
import { pageOf } from './page.js';

/** Beside the admin panel, where `./dev demo` and the tests give it to order_server; or where the caller says. */
const folder =
  process.argv[2] ?? fileURLToPath(new URL('../../../../build/web/docs', import.meta.url));

mkdirSync(folder, { recursive: true });
cpSync(documentsFolder, folder, { recursive: true });
writeFileSync(join(folder, 'index.html'), pageOf(readDocuments()));
for (const name of ['docs.css', 'docs.js']) {
  cpSync(new URL(name, import.meta.url), join(folder, name));
}
