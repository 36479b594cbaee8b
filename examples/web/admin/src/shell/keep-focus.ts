// SPDX-License-Identifier: MIT

import { useEffect } from 'react';

/**
 * Gives the focus a home when what had it goes away: the nearest element around it that is still there and marked with
 * `data-focus-home`, or else the page's content. Otherwise it would fall to the body, and the next Tab start at the top.
 */
export function useKeptFocus(): void {
  useEffect(() => {
    let last: Element | null = null;
    let homes: readonly HTMLElement[] = [];
    const onFocusIn = (event: FocusEvent): void => {
      last = event.target as Element;
      homes = homesAround(last);
    };
    const onFocusOut = (event: FocusEvent): void => {
      if (event.relatedTarget !== null) return;
      const left = last;
      // What is taken out of the page loses the focus first.
      queueMicrotask(() => {
        if (left === null || left !== last || document.activeElement === left) return;
        if (left.isConnected && isShown(left)) last = null; // The user has clicked on nothing.
      });
    };
    const look = (): void => {
      const { activeElement } = document;
      if (last === null || (activeElement !== null && activeElement !== document.body)) return;
      if (last.isConnected && isShown(last)) return;
      last = null;
      const home = homes.find((element) => element.isConnected && isShown(element));
      (home ?? document.getElementById('content'))?.focus({ preventScroll: true });
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, {
      childList: true,
      subtree: true,
      attributes: true,
      attributeFilter: ['hidden'],
    });
    document.addEventListener('focusin', onFocusIn);
    document.addEventListener('focusout', onFocusOut);
    return () => {
      observer.disconnect();
      document.removeEventListener('focusin', onFocusIn);
      document.removeEventListener('focusout', onFocusOut);
    };
  }, []);
}

function isShown(element: Element): boolean {
  return element.getClientRects().length > 0;
}

/** Innermost first. */
function homesAround(element: Element): readonly HTMLElement[] {
  const found: HTMLElement[] = [];
  let home = element.parentElement?.closest<HTMLElement>('[data-focus-home]');
  while (home) {
    found.push(home);
    home = home.parentElement?.closest<HTMLElement>('[data-focus-home]');
  }
  return found;
}
