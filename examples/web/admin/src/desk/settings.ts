// SPDX-License-Identifier: MIT

import type { KeyValueStore } from '@ordercast/client';
import { Observable } from './observable.ts';

export interface Settings {
  readonly sound: boolean;
  readonly notifications: boolean;
  readonly compact: boolean;
  /** After this an order's age is amber, then red. */
  readonly amberMinutes: number;
  readonly redMinutes: number;
  /** How long a step can be undone before it is sent; 0 sends it at once. */
  readonly undoSeconds: number;
  readonly colours: 'auto' | 'light' | 'dark';
}

export const defaultSettings: Settings = {
  sound: true,
  notifications: false,
  compact: false,
  amberMinutes: 5,
  redMinutes: 10,
  undoSeconds: 5,
  colours: 'auto',
};

/** Reads what is stored. What can't be read is as by default. */
export function readSettings(stored: string | null): Settings {
  let fields: Record<string, unknown> = {};
  try {
    const value: unknown = JSON.parse(stored ?? '{}');
    if (typeof value === 'object' && value !== null) fields = value as Record<string, unknown>;
  } catch {
    // As if nothing were stored.
  }
  const flag = (name: 'sound' | 'notifications' | 'compact'): boolean =>
    typeof fields[name] === 'boolean' ? fields[name] : defaultSettings[name];
  const number = (name: 'amberMinutes' | 'redMinutes' | 'undoSeconds', most: number): number => {
    const value = fields[name];
    const isGood =
      typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= most;
    return isGood ? value : defaultSettings[name];
  };
  const amberMinutes = number('amberMinutes', 1440);
  const { colours } = fields;
  return {
    sound: flag('sound'),
    notifications: flag('notifications'),
    compact: flag('compact'),
    amberMinutes,
    redMinutes: Math.max(amberMinutes, number('redMinutes', 1440)),
    undoSeconds: number('undoSeconds', 30),
    colours: colours === 'light' || colours === 'dark' ? colours : 'auto',
  };
}

/** The settings of this browser, kept for its next page. */
export class SettingsStore extends Observable {
  readonly #storage: KeyValueStore;
  readonly #key: string;
  #settings: Settings = defaultSettings;

  constructor(storage: KeyValueStore, key: string) {
    super();
    this.#storage = storage;
    this.#key = key;
    const stored = storage.get(key);
    if (typeof stored === 'string') this.#settings = readSettings(stored);
  }

  get = (): Settings => this.#settings;

  change(changes: Partial<Settings>): void {
    const text = JSON.stringify({ ...this.#settings, ...changes });
    this.onStored(text);
    void this.#storage.set(this.#key, text);
  }

  /** Follows another tab. */
  onStored(text: string | null): void {
    this.#settings = readSettings(text);
    this.tell();
  }
}
