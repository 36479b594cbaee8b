// SPDX-License-Identifier: MIT

import type { Environment, KeyValueStore } from '@ordercast/client';

/** What the app takes from where it runs; `platform.web.ts` and `expo/platform.ts` have it. */
export interface Platform {
  /** The server, "https://orders.example". */
  readonly origin: string;
  /** Where the tokens are kept: the keychain on a device. */
  readonly storage: KeyValueStore;
  readonly environment: Environment;
  /** Calls back with the values before and after, when another tab has changed this entry; where there are tabs. */
  readonly onStored?: (
    key: string,
    listener: (before: string | null, after: string | null) => void,
  ) => void;
  /** Asks for leave to push and returns the device's token; null where there is no push, or no leave. */
  readonly registerForPush: () => Promise<PushDevice | null>;
}

export interface PushDevice {
  readonly token: string;
  readonly platform: 'android' | 'ios' | 'web';
}
