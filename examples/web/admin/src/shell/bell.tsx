// SPDX-License-Identifier: MIT

import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { useDesk, useSettings, useUnseen } from '../desk/hooks.ts';
import { BellIcon, BellOffIcon } from '../icons.tsx';
import { seekNew } from '../orders/seek-new.ts';
import { firstList, hrefOf } from '../route.ts';
import { settings } from '../services.ts';
import { IconButton } from '../ui.tsx';

/** The bell's switch, and the number of new orders that are not opened yet. */
export function Bell(): ReactNode {
  const { silence, chime } = useDesk();
  const unseen = useUnseen();
  const { size } = unseen;
  const { sound } = useSettings();
  const isBlocked = useSyncExternalStore(chime.subscribe, () => chime.isBlocked);
  const [only] = size === 1 ? unseen : [];
  const list = { ...firstList, tab: 'PENDING' } as const;
  const href = hrefOf(
    only === undefined
      ? { page: 'orders', list }
      : { page: 'order', orderId: only, list: firstList },
  );
  return (
    <div className="bell">
      {size > 0 && (
        <div className="bell-call">
          <a className="badge" href={href} onClick={only === undefined ? seekNew : undefined}>
            {size} new
          </a>
          <button type="button" className="link-button" onClick={silence}>
            Silence
          </button>
        </div>
      )}
      {sound && isBlocked && size > 0 && (
        <span className="bell-blocked">Click anywhere to hear the bell</span>
      )}
      <IconButton
        label={sound ? 'Sound is on' : 'Sound is off'}
        aria-pressed={sound}
        onClick={() => settings.change({ sound: !sound })}
      >
        {sound ? <BellIcon /> : <BellOffIcon />}
      </IconButton>
    </div>
  );
}

const TitleText = { text: 'Orders' };
const titleListeners = new Set<() => void>();

/** Names the page in the tab's title. */
export function useTitle(text: string): void {
  useEffect(() => {
    TitleText.text = text;
    for (const listener of titleListeners) listener();
  }, [text]);
}

/** Keeps the tab's title: how many orders are new, then what the page shows. */
export function useCountedTitle(): void {
  const { size } = useUnseen();
  const [, render] = useState(0);
  useEffect(() => {
    const listener = (): void => render((count) => count + 1);
    titleListeners.add(listener);
    return () => {
      titleListeners.delete(listener);
    };
  }, []);
  useEffect(() => {
    document.title = `${size > 0 ? `(${size}) ` : ''}${TitleText.text} · ordercast`;
  });
  useEffect(() => {
    if (!('setAppBadge' in navigator)) return;
    const shown = size > 0 ? navigator.setAppBadge(size) : navigator.clearAppBadge();
    void shown.catch(() => undefined); // Only installed pages have a badge.
  }, [size]);
}
