// SPDX-License-Identifier: MIT

import { useEffect, useState } from 'react';

/** The time, renewed every so often while the component is there. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
