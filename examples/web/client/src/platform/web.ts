// SPDX-License-Identifier: MIT

import {
  type Environment,
  type KeyValueStore,
  type Lifecycle,
  monotonicClock,
  type Socket,
  systemTimers,
} from '../environment';

/**
 * A browser: wakes when the tab is shown, comes out of the back/forward cache, or the network goes or is back: a socket
 * whose network has gone is found out by a ping at once, not after half a minute.
 */
export function webLifecycle(): Lifecycle {
  return {
    onWake(listener) {
      const whenVisible = (): void => {
        if (document.visibilityState === 'visible') listener();
      };
      document.addEventListener('visibilitychange', whenVisible);
      window.addEventListener('pageshow', listener);
      window.addEventListener('online', listener);
      window.addEventListener('offline', listener);
      return () => {
        document.removeEventListener('visibilitychange', whenVisible);
        window.removeEventListener('pageshow', listener);
        window.removeEventListener('online', listener);
        window.removeEventListener('offline', listener);
      };
    },
    isOnline: () => navigator.onLine,
    onOnlineChange(listener) {
      window.addEventListener('online', listener);
      window.addEventListener('offline', listener);
      return () => {
        window.removeEventListener('online', listener);
        window.removeEventListener('offline', listener);
      };
    },
    isVisible: () => document.visibilityState === 'visible',
    onVisibleChange(listener) {
      document.addEventListener('visibilitychange', listener);
      return () => document.removeEventListener('visibilitychange', listener);
    },
  };
}

export function webEnvironment(): Environment {
  return {
    openSocket: (url, protocols) => new WebSocket(url, protocols) as Socket,
    timers: systemTimers,
    lifecycle: webLifecycle(),
    now: monotonicClock(),
    random: () => Math.random(),
  };
}

/** Storage of this tab (`sessionStorage`) or of all (`localStorage`); forgets when the browser allows neither. */
export function webStorage(storage: () => Storage): KeyValueStore {
  const tried = <T>(action: () => T, otherwise: T): T => {
    try {
      return action();
    } catch {
      return otherwise; // Storage is switched off or full: a session then lasts as long as the page.
    }
  };
  return {
    get: (key) => tried(() => storage().getItem(key), null),
    set: (key, value) => tried(() => storage().setItem(key, value), undefined),
    remove: (key) => tried(() => storage().removeItem(key), undefined),
  };
}
