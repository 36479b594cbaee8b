// SPDX-License-Identifier: MIT

import type { Push, PushDevice } from '../platform.ts';

export interface PushRegistrationOptions {
  readonly push: Push;
  readonly add: (device: PushDevice) => Promise<void>;
  readonly remove: (device: PushDevice) => Promise<void>;
}

/**
 * Keeps the server's idea of this device up to date for one signed-in user: registers its token, and the next one when
 * FCM rotates it. Without push the app works, but stays silent in the background.
 */
export class PushRegistration {
  readonly #options: PushRegistrationOptions;
  #device: PushDevice | null = null;
  /** What the server knows. */
  #added: PushDevice | null = null;
  #stopListening: (() => void) | null = null;
  #isStopped = false;
  /** One call after the other: a removal must not overtake the registration before it. */
  #calls: Promise<void> = Promise.resolve();

  constructor(options: PushRegistrationOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async start(): Promise<void> {
    const { push } = this.#options;
    this.#stopListening = push.onTokenChange((device) => this.#use(device));
    try {
      const device = await push.register();
      if (device !== null && this.#device === null) this.#use(device);
    } catch {
      // Asked again at the next start.
    }
    await this.#calls;
  }

  /** Stops following the token. Returns the device that the server has to forget, if there is one. */
  stop(): PushDevice | null {
    this.#isStopped = true;
    this.#stopListening?.();
    return this.#added ?? this.#device;
  }

  #use(device: PushDevice): void {
    const before = this.#device;
    if (this.#isStopped || before?.token === device.token) return;
    this.#device = device;
    this.#calls = this.#calls.then(async () => {
      const { add, remove } = this.#options;
      try {
        if (this.#isStopped) return; // The server must not hear of a device that was signed out.
        await add(device);
        this.#added = device;
        if (before !== null) await remove(before);
      } catch {
        // FCM tells the server of dead tokens, too; a token that was not added is added at the next start.
      }
    });
  }
}

/** The order that a push is about; null if it is about none. */
export function orderOfPush(data: Readonly<Record<string, unknown>> | undefined): string | null {
  const orderId = data?.orderId;
  return typeof orderId === 'string' && orderId !== '' ? orderId : null;
}
