// SPDX-License-Identifier: MIT

import { useLayoutEffect, useRef, useState } from 'react';
import { guardMs } from './click-guard.ts';

/**
 * Whether a guarded button ignores clicks for a moment, since it means something else now. `isMoving`: it comes where
 * another may have been, so its first meaning rests, too.
 */
export function useResting(meaning: string, isMoving = false): boolean {
  const [isResting, setResting] = useState(isMoving);
  const isFirst = useRef(!isMoving);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each meaning rests, also one that it has had before
  useLayoutEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return undefined;
    }
    setResting(true);
    const timer = setTimeout(() => setResting(false), guardMs);
    return () => clearTimeout(timer);
  }, [meaning]);
  return isResting;
}
