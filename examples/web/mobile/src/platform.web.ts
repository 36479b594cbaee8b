// SPDX-License-Identifier: MIT

import { webEnvironment, webStorage } from '@ordercast/client/web';
import type { Platform } from './platform.ts';

/** A browser. It has no device token: here only installed apps use FCM. */
export const platform: Platform = {
  origin: location.origin,
  storage: webStorage(() => localStorage),
  environment: webEnvironment(),
  onStored(key, listener) {
    window.addEventListener('storage', (event) => {
      if (event.key === key) listener(event.oldValue, event.newValue);
    });
  },
  registerForPush: async () => null,
};
