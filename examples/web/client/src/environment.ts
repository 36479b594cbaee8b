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

/** The timers of browsers, Node and React Native. */
export const systemTimers: Timers = {
  set: (task, delayMs) => setTimeout(task, delayMs),
  clear: (id) => clearTimeout(id as ReturnType<typeof setTimeout>),
};

/** `work`, or the error that `expired` makes when it has not settled in time. */
export function withDeadline<T>(
  work: Promise<T>,
  deadline: { readonly timers: Timers; readonly timeoutMs: number },
  expired: () => Error,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = deadline.timers.set(() => reject(expired()), deadline.timeoutMs);
    work.then(resolve, reject).finally(() => deadline.timers.clear(timer));
  });
}

/**
 * Milliseconds that no change of the device's clock moves. Where there is no such clock, a step back counts as
 * no time at all.
 */
export function monotonicClock(): () => number {
  const { performance } = globalThis;
  if (typeof performance?.now === 'function') return () => performance.now();
  let last = Date.now();
  let elapsed = 0;
  return () => {
    const now = Date.now();
    elapsed += Math.max(0, now - last);
    last = now;
    return elapsed;
  };
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
  /** Whether somebody may be looking: the tab is shown, the app is in front. Where it is not known, leave it out. */
  isVisible?(): boolean;
  onVisibleChange?(listener: () => void): () => void;
}

export interface Environment {
  openSocket(url: string, protocols: string[]): Socket;
  readonly timers: Timers;
  readonly lifecycle: Lifecycle;
  /** Milliseconds of a clock that is never set: only differences count. */
  now(): number;
  /** From 0 up to, not including, 1. */
  random(): number;
}
