// SPDX-License-Identifier: MIT

import { writeFileSync } from 'node:fs';
import { readDocuments } from '../documents.js';
import { typesFile } from './file.js';
import { typescriptOf } from './typescript.js';

writeFileSync(typesFile, typescriptOf(readDocuments()));
