// SPDX-License-Identifier: MIT

import { fileURLToPath } from 'node:url';

/** Where the generated types stand. */
export const typesFile = fileURLToPath(new URL('../../client/src/wire.ts', import.meta.url));
