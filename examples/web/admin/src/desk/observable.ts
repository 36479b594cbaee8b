// SPDX-License-Identifier: MIT

/** Tells its listeners when it has changed; made for `useSyncExternalStore`. */
export class Observable {
  readonly #listeners = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  protected tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
