// SPDX-License-Identifier: MIT

import { type DOMAttributes, useEffect, useMemo, useRef } from 'react';

/** A finger that has just left comes back to what it saw. */
const touchMs = 5000;

/** Tells whether somebody's pointer or focus is in an element: returns the element's handlers. */
export function useEngaged(engage: (isEngaged: boolean) => void): DOMAttributes<HTMLElement> {
  const latest = useRef(engage);
  useEffect(() => {
    latest.current = engage;
  });
  const state = useRef({ pointer: false, focus: false, timer: 0 });
  useEffect(() => () => clearTimeout(state.current.timer), []);
  return useMemo(() => {
    const tell = (): void => latest.current(state.current.pointer || state.current.focus);
    const setPointer = (pointer: boolean): void => {
      clearTimeout(state.current.timer);
      state.current.pointer = pointer;
      tell();
    };
    return {
      onPointerEnter: () => setPointer(true),
      onPointerLeave: (event) => {
        if (event.pointerType === 'mouse') {
          setPointer(false);
          return;
        }
        clearTimeout(state.current.timer);
        state.current.timer = window.setTimeout(() => setPointer(false), touchMs);
      },
      onFocus: () => {
        state.current.focus = true;
        tell();
      },
      onBlur: (event) => {
        if (event.currentTarget.contains(event.relatedTarget)) return;
        state.current.focus = false;
        tell();
      },
    };
  }, []);
}
