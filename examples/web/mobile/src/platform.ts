// SPDX-License-Identifier: MIT

import type { Environment, KeyValueStore } from '@ordercast/client';

/** What the app needs from its platform; `platform.web.ts` and `expo/platform.ts` implement it. */
export interface Platform {
  /** The server, "https://orders.example". */
  readonly origin: string;
  /** Stores the tokens: the keychain on a device. */
  readonly storage: KeyValueStore;
  readonly environment: Environment;
  /** Calls back with the old and the new value when another tab changes this entry; only on a platform with tabs. */
  readonly onStored?: (
    key: string,
    listener: (before: string | null, after: string | null) => void,
  ) => void;
  /** Asks for permission to push and returns the device's token; null without push or permission. */
  readonly registerForPush: () => Promise<PushDevice | null>;
}

export interface PushDevice {
  readonly token: string;
  readonly platform: 'android' | 'ios' | 'web';
}
