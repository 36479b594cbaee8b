// SPDX-License-Identifier: MIT

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { OrderStatus } from '@ordercast/client';
import { expect, it, vi } from 'vitest';

vi.mock('react-native', () => ({ useColorScheme: () => 'light' }));

const { dark, light } = await import('../src/theme.ts');

const folder = fileURLToPath(new URL('../../admin/src/', import.meta.url));
const styles = readdirSync(folder, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.css'))
  .map((name) => readFileSync(`${folder}${name}`, 'utf8'))
  .join('\n');

/** The light and the dark value of a token of the admin panel. */
function token(name: string): readonly string[] {
  const values = [...styles.matchAll(new RegExp(`--${name}:([^;]+);`, 'g'))];
  return values.flatMap(([, value]) => value?.match(/#[0-9a-f]{6}/g) ?? []).slice(0, 2);
}

it('has the brand of the admin panel', () => {
  expect(token('accent')).toEqual([light.accent, dark.accent]);
  expect(token('danger')).toEqual([light.danger, dark.danger]);
});

it.each<[OrderStatus, string]>([
  ['PENDING', 'pending'],
  ['CONFIRMED', 'confirmed'],
  ['PREPARING', 'preparing'],
  ['READY', 'ready'],
  ['OUT_FOR_DELIVERY', 'out'],
  ['DELIVERED', 'delivered'],
  ['CANCELLED', 'cancelled'],
])('gives %s the colours of the admin panel', (status, name) => {
  expect(token(`status-${name}-ink`)).toEqual([light.status[status][0], dark.status[status][0]]);
  expect(token(`status-${name}`)).toEqual([light.status[status][1], dark.status[status][1]]);
});
