// SPDX-License-Identifier: MIT

import {
  type Environment,
  type Lifecycle,
  monotonicClock,
  type Socket,
  systemTimers,
} from '../environment';

/** The part of React Native's `AppState` that is used, so that this file needs no React Native. */
export interface AppStateLike {
  readonly currentState?: string | null;
  addEventListener(type: 'change', listener: (state: string) => void): { remove(): void };
}

/** React Native: wakes when the app becomes active. It can't tell whether there is a network. */
export function nativeLifecycle(appState: AppStateLike): Lifecycle {
  return {
    onWake(listener) {
      const subscription = appState.addEventListener('change', (state) => {
        if (state === 'active') listener();
      });
      return () => subscription.remove();
    },
    isOnline: () => true,
    onOnlineChange: () => () => undefined,
    isVisible: () => appState.currentState === 'active',
    onVisibleChange(listener) {
      const subscription = appState.addEventListener('change', listener);
      return () => subscription.remove();
    },
  };
}

export function nativeEnvironment(appState: AppStateLike): Environment {
  return {
    openSocket: (url, protocols) => new WebSocket(url, protocols) as Socket,
    timers: systemTimers,
    lifecycle: nativeLifecycle(appState),
    now: monotonicClock(),
    random: () => Math.random(),
  };
}
