// SPDX-License-Identifier: MIT

import type { Environment, Lifecycle, Socket } from '../environment.ts';

/** The part of React Native's `AppState` that is used, so that this file needs no React Native. */
export interface AppStateLike {
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
  };
}

export function nativeEnvironment(appState: AppStateLike): Environment {
  return {
    openSocket: (url, protocols) => new WebSocket(url, protocols) as Socket,
    timers: {
      set: (task, delayMs) => setTimeout(task, delayMs),
      clear: (id) => clearTimeout(id as ReturnType<typeof setTimeout>),
    },
    lifecycle: nativeLifecycle(appState),
    now: () => Date.now(),
    random: () => Math.random(),
  };
}
