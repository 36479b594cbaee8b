// SPDX-License-Identifier: MIT

/** Everything that a client takes from where it runs. Tests put fakes here; `web` and `native` the real thing. */

/** The part of the WebSocket standard that is used; the globals of browsers, Node and React Native have it. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type TimerId = unknown;

export interface Timers {
  set(task: () => void, delayMs: number): TimerId;
  clear(id: TimerId): void;
}

/** Where tokens outlive the page or the app. Each call may be asynchronous, as React Native's are. */
export interface KeyValueStore {
  get(key: string): string | null | Promise<string | null>;
  set(key: string, value: string): void | Promise<void>;
  remove(key: string): void | Promise<void>;
}

/**
 * What the platform knows of the app's life. `onWake` calls back when it may have been away (a tab is shown
 * again, the network is back, an app comes to the front); returns how to stop that.
 */
export interface Lifecycle {
  onWake(listener: () => void): () => void;
  /** False when the device is sure that it has no network. */
  isOnline(): boolean;
  onOnlineChange(listener: () => void): () => void;
}

export interface Environment {
  openSocket(url: string, protocols: string[]): Socket;
  readonly timers: Timers;
  readonly lifecycle: Lifecycle;
  /** Milliseconds; only differences count, except in `ConnectionState.retryAt`. */
  now(): number;
  /** From 0 up to, not including, 1. */
  random(): number;
}
