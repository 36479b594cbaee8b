// SPDX-License-Identifier: MIT

import type { Environment, KeyValueStore } from '@ordercast/client';
import type { Navigation } from './logic/navigation.ts';
import type { Exclusively } from './logic/placement.ts';

/** What the app needs from its platform; `platform.web.ts` and `expo/platform.ts` implement it. */
export interface Platform {
  /** The server, "https://orders.example". */
  readonly origin: string;
  /** Stores the tokens: the keychain on a device. */
  readonly storage: KeyValueStore;
  /** Stores what is no secret and may be larger: the last known orders, the basket. */
  readonly notes: KeyValueStore;
  readonly environment: Environment;
  readonly navigation: Navigation;
  /** Calls back with the old and the new value when another tab changes this entry; only on a platform with tabs. */
  readonly onStored?: (
    key: string,
    listener: (before: string | null, after: string | null) => void,
  ) => void;
  /** Leave it out on a platform without pushes. */
  readonly push?: Push;
  /** Random text that is made only once: it names an order that is being placed. */
  readonly newKey: () => string;
  /** Runs `work` in one tab at a time; only on a platform with tabs. */
  readonly exclusively?: Exclusively;
  /** Calls back when a phone's back button is pressed; `listener` returns false to leave the app. A browser has its own. */
  readonly onBackPressed?: (listener: () => boolean) => () => void;
  /** Shows the screen's name where the platform has a place for it: the title of a browser's tab. */
  readonly setTitle?: (title: string) => void;
}

/** Pushes by FCM. Each `on` function returns a function that stops it. */
export interface Push {
  /** Asks for permission and returns the device's FCM token; null without permission. */
  register(): Promise<PushDevice | null>;
  /** Calls back when FCM has given the device another token. */
  onTokenChange(listener: (device: PushDevice) => void): () => void;
  /** Calls back with the data of a push that the user has opened, also of the one that started the app. */
  onOpened(listener: (data: Readonly<Record<string, unknown>> | undefined) => void): () => void;
}

export interface PushDevice {
  readonly token: string;
  readonly platform: 'android' | 'ios' | 'web';
}
