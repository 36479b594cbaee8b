// SPDX-License-Identifier: MIT

import { systemTimers } from '@ordercast/client';
import { type DOMAttributes, useEffect, useMemo, useRef } from 'react';
import { Engagement } from './engagement.ts';

/** Tells whether the pointer or the keyboard's focus is in an element: returns the element's handlers. */
export function useEngaged(engage: (isEngaged: boolean) => void): DOMAttributes<HTMLElement> {
  const latest = useRef(engage);
  useEffect(() => {
    latest.current = engage;
  });
  const state = useMemo(
    () => new Engagement(systemTimers, (isEngaged) => latest.current(isEngaged)),
    [],
  );
  useEffect(() => () => state.stop(), [state]);
  const element = useRef<Element | null>(null);
  useEffect(() => {
    const onMove = ({ target, pointerType }: PointerEvent): void => {
      const isIn = target instanceof Element && target.closest('.waiting-bar') !== null;
      if (!isIn && !element.current?.contains(target as Node)) {
        state.onPointerElsewhere(pointerType === 'mouse');
      }
    };
    document.addEventListener('pointermove', onMove, { passive: true });
    return () => document.removeEventListener('pointermove', onMove);
  }, [state]);
  return useMemo(
    () => ({
      onPointerEnter: ({ currentTarget }) => {
        element.current = currentTarget;
        state.onPointer();
      },
      onPointerMove: () => state.onPointer(),
      onPointerLeave: (event) => state.onPointerGone(event.pointerType === 'mouse'),
      // The element itself has it only when what had it has gone.
      onFocus: ({ target, currentTarget }) =>
        state.onFocus(target !== currentTarget && target.matches(':focus-visible')),
      onKeyDown: ({ target, currentTarget }) => {
        if (target !== currentTarget) state.onKey();
      },
      onBlur: (event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) state.onFocusGone();
      },
    }),
    [state],
  );
}
