// SPDX-License-Identifier: MIT

import { webEnvironment, webStorage } from '@ordercast/client/web';
import { webNavigation } from './logic/navigation-web.ts';
import type { Platform } from './platform.ts';

/** Without a secure context there is no `randomUUID`, but there are random bytes. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A browser. It has no device token: here only installed apps use FCM. */
export const platform: Platform = {
  origin: location.origin,
  storage: webStorage(() => localStorage),
  notes: webStorage(() => localStorage),
  environment: webEnvironment(),
  navigation: webNavigation(),
  onStored(key, listener) {
    window.addEventListener('storage', (event) => {
      if (event.key === key) listener(event.oldValue, event.newValue);
    });
  },
  newKey,
  async exclusively(work) {
    const { locks } = navigator as Partial<Navigator>; // Only in a secure context.
    return locks === undefined ? work() : locks.request('ordercast-mobile', work);
  },
  setTitle(title) {
    document.title = `${title} · ordercast`;
  },
};
