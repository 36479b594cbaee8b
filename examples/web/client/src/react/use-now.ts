// SPDX-License-Identifier: MIT

import { useEffect, useState } from 'react';

/** The time of `clock`, renewed every so often while the component is there; the same function at each render. */
export function useNow(everyMs: number, clock: () => number = Date.now): number {
  const [now, setNow] = useState(clock);
  useEffect(() => {
    const timer = setInterval(() => setNow(clock()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, clock]);
  return now;
}
