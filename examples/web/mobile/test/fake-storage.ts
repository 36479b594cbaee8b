// SPDX-License-Identifier: MIT

import type { KeyValueStore } from '@ordercast/client';

export class FakeStorage implements KeyValueStore {
  readonly entries = new Map<string, string>();
  isBroken = false;
  get(key: string): string | null {
    if (this.isBroken) throw new Error('no storage');
    return this.entries.get(key) ?? null;
  }
  set(key: string, value: string): void {
    if (this.isBroken) throw new Error('no storage');
    this.entries.set(key, value);
  }
  remove(key: string): void {
    if (this.isBroken) throw new Error('no storage');
    this.entries.delete(key);
  }
}
