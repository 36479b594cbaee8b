// SPDX-License-Identifier: MIT

import { VisuallyHidden } from '@mantine/core';
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';

const AnnounceContext = createContext<(text: string) => void>(() => undefined);

/** Announces to screen readers what others see flash. */
export function useAnnounce(): (text: string) => void {
  return useContext(AnnounceContext);
}

export function Announcer(props: { children: ReactNode }): ReactNode {
  const [text, setText] = useState('');
  const announce = useCallback((next: string) => setText(next), []);
  return (
    <AnnounceContext.Provider value={announce}>
      {props.children}
      <VisuallyHidden role="log" aria-live="polite" aria-label="Changes">
        {text}
      </VisuallyHidden>
    </AnnounceContext.Provider>
  );
}
