// SPDX-License-Identifier: MIT

import type { Lifecycle } from '../environment';
import type { Input } from '../machine';

/** Tells the machine when the device wakes, and whether a user may be looking. Returns a function that stops it. */
export function feedLifecycle(lifecycle: Lifecycle, feed: (input: Input) => void): () => void {
  const tellPresence = (): void => {
    const visible = lifecycle.isVisible?.();
    if (visible !== undefined) feed({ type: 'presence', visible });
  };
  const stops = [
    lifecycle.onWake(() => feed({ type: 'wake' })),
    lifecycle.onVisibleChange?.(tellPresence),
  ];
  tellPresence();
  return () => {
    for (const stop of stops) stop?.();
  };
}
