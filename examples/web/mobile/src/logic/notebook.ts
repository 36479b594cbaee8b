// SPDX-License-Identifier: MIT

import { asObject, type KeyValueStore } from '@ordercast/client';

/**
 * What the app writes down for one user: the last known orders, the basket, an order under way. Nothing here is a
 * secret, and everything is gone once the user signs out. Storage that fails is no storage: the app works on.
 */
export class Notebook {
  readonly #storage: KeyValueStore;
  readonly #owner: string;
  #isClosed = false;

  constructor(storage: KeyValueStore, owner: string) {
    this.#storage = storage;
    this.#owner = owner;
  }

  /** What was written last; undefined if there is nothing, or it is another user's. */
  async read(entry: Entry): Promise<unknown> {
    const page = await readPage(this.#storage, entry);
    return page?.owner === this.#owner ? page.content : undefined;
  }

  /** Writes nothing from now on: an answer that comes after its user has left must not bring back what was erased. */
  close(): void {
    this.#isClosed = true;
  }

  /** Null erases. */
  async write(entry: Entry, content: unknown): Promise<void> {
    if (this.#isClosed) return;
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

/**
 * Erases these entries, whosever they are. All calls to storage are made before this returns its promise, since the page
 * may be about to close.
 */
export async function eraseNotebook(
  storage: KeyValueStore,
  which: readonly Entry[] = entries,
): Promise<void> {
  await Promise.all(
    which.map(async (entry) => {
      try {
        await storage.remove(keyOf(entry));
      } catch {
        // Nothing can be stored, so nothing is.
      }
    }),
  );
}
