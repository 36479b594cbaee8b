// SPDX-License-Identifier: MIT

import {
  type Environment,
  type KeyValueStore,
  type Lifecycle,
  monotonicClock,
  type Socket,
  systemTimers,
} from '../environment';

/** A WebSocket class: that of the package `ws`, or Node's own. */
export type WebSocketClass = new (url: string, protocols: string[]) => object;

/** A program is always awake, and does not know whether there is a network. */
const alwaysAwake: Lifecycle = {
  onWake: () => () => undefined,
  isOnline: () => true,
  onOnlineChange: () => () => undefined,
};

/** Node has a WebSocket of its own from version 22 on; before that, pass the one of the package `ws`. */
export function nodeEnvironment(options: { WebSocket?: WebSocketClass } = {}): Environment {
  const own = (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
  const WebSocket = options.WebSocket ?? own;
  if (WebSocket === undefined) {
    throw new Error(
      'This Node has no WebSocket: use Node 22, or nodeEnvironment({ WebSocket }) with that of the package "ws"',
    );
  }
  return {
    openSocket: (url, protocols) => new WebSocket(url, protocols) as Socket,
    timers: systemTimers,
    lifecycle: alwaysAwake,
    now: monotonicClock(),
    random: () => Math.random(),
  };
}

/** Forgets everything when the program ends. */
export function memoryStorage(): KeyValueStore {
  const entries = new Map<string, string>();
  return {
    get: (key) => entries.get(key) ?? null,
    set: (key, value) => void entries.set(key, value),
    remove: (key) => void entries.delete(key),
  };
}
