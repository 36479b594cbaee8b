// SPDX-License-Identifier: MIT

import { useCallback, useSyncExternalStore } from 'react';

/** Whether a list and an order fit beside each other. */
export const wide = window.matchMedia('(min-width: 1400px)');

/** Whether this media query fits now. */
export function useMedia(query: MediaQueryList): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      query.addEventListener('change', listener);
      return () => query.removeEventListener('change', listener);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => query.matches);
}
