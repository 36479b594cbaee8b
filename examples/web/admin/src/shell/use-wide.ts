// SPDX-License-Identifier: MIT

import { useSyncExternalStore } from 'react';

const wide = window.matchMedia('(min-width: 1400px)');

function subscribe(listener: () => void): () => void {
  wide.addEventListener('change', listener);
  return () => wide.removeEventListener('change', listener);
}

/** Whether a list and an order fit beside each other. */
export function useWide(): boolean {
  return useSyncExternalStore(subscribe, () => wide.matches);
}
