// SPDX-License-Identifier: MIT

const lockName = 'ordercast-desk-bell';

/**
 * Of a browser's tabs one rings and notifies: the one that the user has touched last, since the browser lets that one
 * sound. When it closes, another takes over. Without the Web Locks API (a page that is not secure) each tab rings.
 */
export class RingingTab {
  readonly #locks: Pick<LockManager, 'request'> | undefined;
  #isMine = false;
  #isQueued = false;
  #isClosed = false;
  #release: () => void = () => undefined;

  constructor(locks: Pick<LockManager, 'request'> | undefined) {
    this.#locks = locks;
    this.#queue();
  }

  get isMine(): boolean {
    return this.#locks === undefined || this.#isMine;
  }

  /** The user is at this tab. */
  claim = (): void => {
    if (this.#locks === undefined || this.#isMine || this.#isClosed) return;
    void this.#locks.request(lockName, { steal: true }, this.#hold).catch(this.#onLost);
  };

  close(): void {
    this.#isClosed = true;
    this.#release();
  }

  /** Takes over when the tab that rings is gone. */
  #queue(): void {
    if (this.#locks === undefined || this.#isQueued || this.#isClosed) return;
    this.#isQueued = true;
    const granted = (): Promise<void> => {
      this.#isQueued = false;
      return this.#hold();
    };
    void this.#locks.request(lockName, granted).catch(this.#onLost);
  }

  #hold = (): Promise<void> => {
    if (this.#isClosed) return Promise.resolve();
    this.#isMine = true;
    return new Promise((resolve) => {
      this.#release = () => {
        this.#isMine = false;
        resolve();
      };
    });
  };

  /** Another tab has claimed it. */
  #onLost = (): void => {
    this.#isMine = false;
    this.#queue();
  };
}
