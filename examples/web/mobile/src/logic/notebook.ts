// SPDX-License-Identifier: MIT

import { asObject, type KeyValueStore } from '@ordercast/client';

/**
 * What the app writes down for one user: the last known orders, the basket, an order under way. Nothing here is a
 * secret, and everything is gone once the user signs out. Storage that fails is no storage: the app works on.
 */
export class Notebook {
  readonly #storage: KeyValueStore;
  readonly #owner: string;

  constructor(storage: KeyValueStore, owner: string) {
    this.#storage = storage;
    this.#owner = owner;
  }

  /** What was written last; undefined if there is nothing, or it is somebody else's. */
  async read(entry: Entry): Promise<unknown> {
    const page = await readPage(this.#storage, entry);
    return page?.owner === this.#owner ? page.content : undefined;
  }

  /** Null erases. */
  async write(entry: Entry, content: unknown): Promise<void> {
    try {
      if (content === null) await this.#storage.remove(keyOf(entry));
      else await this.#storage.set(keyOf(entry), JSON.stringify({ owner: this.#owner, content }));
    } catch {
      // Full or switched off.
    }
  }
}

const entries = ['orders', 'basket', 'attempt'] as const;
export type Entry = (typeof entries)[number];

const keyOf = (entry: Entry): string => `ordercast-mobile-${entry}`;

async function readPage(
  storage: KeyValueStore,
  entry: Entry,
): Promise<{ owner: string; content: unknown } | null> {
  try {
    const fields = asObject(JSON.parse((await storage.get(keyOf(entry))) ?? 'null'));
    if (typeof fields?.owner !== 'string') return null;
    return { owner: fields.owner, content: fields.content };
  } catch {
    return null;
  }
}

/** The notebook of whoever used the app last: for the time in which the server can't say who is signed in. */
export async function lastNotebook(storage: KeyValueStore): Promise<Notebook | null> {
  const page = await readPage(storage, 'orders');
  return page === null ? null : new Notebook(storage, page.owner);
}

/** Erases everything: the user has signed out. */
export async function eraseNotebook(storage: KeyValueStore): Promise<void> {
  for (const entry of entries) {
    try {
      await storage.remove(keyOf(entry));
    } catch {
      // Nothing can be stored, so nothing is.
    }
  }
}
