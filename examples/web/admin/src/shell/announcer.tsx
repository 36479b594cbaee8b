// SPDX-License-Identifier: MIT

import { createContext, type ReactNode, useContext, useState } from 'react';

const AnnounceContext = createContext<(text: string) => void>(() => undefined);

/** Announces to screen readers what others see flash. */
export function useAnnounce(): (text: string) => void {
  return useContext(AnnounceContext);
}

export function Announcer(props: { children: ReactNode }): ReactNode {
  const [text, setText] = useState('');
  return (
    <AnnounceContext.Provider value={setText}>
      {props.children}
      <div className="sr-only" role="log" aria-live="polite" aria-label="Changes">
        {text}
      </div>
    </AnnounceContext.Provider>
  );
}
