// SPDX-License-Identifier: MIT

import type { Navigation } from './navigation.ts';
import { home, hrefOf, isSameRoute, parseRoute, type Route } from './route.ts';

/** The browser's history is the stack: its buttons, links and reload work as on every page. */
export function webNavigation(): Navigation {
  let route = parseRoute(location.hash);
  const listeners = new Set<() => void>();
  const read = (): void => {
    const next = parseRoute(location.hash);
    if (isSameRoute(route, next)) return;
    route = next;
    for (const listener of [...listeners]) listener();
  };
  window.addEventListener('hashchange', read);
  const replace = (next: Route): void => {
    history.replaceState(null, '', hrefOf(next)); // Fires no event.
    read();
  };
  return {
    getRoute: () => route,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    open(next) {
      location.hash = hrefOf(next);
    },
    replace,
    back() {
      if (isSameRoute(route, home)) return false;
      replace(home);
      return true;
    },
  };
}
