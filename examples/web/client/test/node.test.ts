// SPDX-License-Identifier: MIT

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { memoryStorage, nodeEnvironment } from '../src/platform/node.ts';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const workspace = fileURLToPath(new URL('../..', import.meta.url));

let directory: string;
beforeAll(async () => {
  // Inside the workspace, so that the programs find its packages.
  directory = await mkdtemp(join(here, '../build-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('in a program on the package ws', () => {
  beforeAll(async () => {
    await build({
      configFile: false,
      logLevel: 'silent',
      ssr: { noExternal: ['@ordercast/client'] },
      build: {
        ssr: join(here, 'node-program.js'),
        target: 'node18',
        outDir: directory,
        rollupOptions: { output: { entryFileNames: 'program.mjs' } },
      },
    });
  });

  it.each(['refused', 'given up'])(
    'a connection that is %s does not end the program',
    async (name) => {
      const { stdout } = await run(process.execPath, [join(directory, 'program.mjs'), name]);
      expect(stdout).toBe('ended by itself');
    },
  );
});

it('says what to do where there is no WebSocket', () => {
  vi.stubGlobal('WebSocket', undefined);
  expect(() => nodeEnvironment()).toThrow(/nodeEnvironment\({ WebSocket }\) .* package "ws"/);
  vi.unstubAllGlobals();
});

it('remembers in memory', async () => {
  const storage = memoryStorage();
  storage.set('key', 'value');
  expect(storage.get('key')).toBe('value');
  storage.remove('key');
  expect(storage.get('key')).toBeNull();
});

describe('a project with plain --strict', () => {
  const check = async (source: string, module: string): Promise<string> => {
    await writeFile(join(directory, 'project.ts'), source);
    await writeFile(
      join(directory, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          target: 'ES2022',
          module,
          moduleResolution: 'bundler',
          noEmit: true,
          types: ['node'],
        },
        include: ['*.ts'],
      }),
    );
    await writeFile(
      join(directory, 'ws.d.ts'),
      `declare module 'ws' {
         export default class {
           constructor(address: string | URL, options?: object);
           constructor(address: string | URL, protocols?: string | string[], options?: object);
         }
       }`,
    );
    try {
      const tsc = join(workspace, 'node_modules/typescript/bin/tsc');
      await run(process.execPath, [tsc, '-p', directory]);
      return '';
    } catch (problem) {
      return (problem as { stdout: string }).stdout;
    }
  };

  it('takes all entry points', async () => {
    const { exports } = JSON.parse(await readFile(join(here, '../package.json'), 'utf8')) as {
      exports: Record<string, string>;
    };
    const names = Object.keys(exports).map((name) => name.replace(/^\./, '@ordercast/client'));
    expect(names).toContain('@ordercast/client/react');
    const source = names.map((name, index) => `export * as e${index} from '${name}';\n`).join('');
    expect(await check(source, 'ESNext')).toBe('');
  });

  it('takes the quick starts of the README as they are', async () => {
    const readme = await readFile(join(here, '../README.md'), 'utf8');
    const programs = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = '']) => text);
    expect(programs.map((text) => /^import /m.test(text))).toEqual([true, true]);
    for (const program of programs) expect(await check(program, 'ESNext')).toBe('');
  });
});
