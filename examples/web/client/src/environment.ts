// SPDX-License-Identifier: MIT

/** Everything that a client needs from its platform. `web`, `node` and `native` implement it; tests use fakes. */

/** The part of the WebSocket standard that is used. Browsers, Node from 22 on, `ws` and React Native provide it. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: (() => void) | null;
  /** The subprotocol that the server has selected. */
  readonly protocol?: string;
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

/** Settles like `work`, or rejects with the error of `expired` if `work` takes too long. */
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
 * Milliseconds of a clock that is never set. Without such a clock, a step back counts as no time.
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

/** Storage in which tokens outlive the page or the app. Each call may be asynchronous, as in React Native. */
export interface KeyValueStore {
  get(key: string): string | null | Promise<string | null>;
  set(key: string, value: string): void | Promise<void>;
  remove(key: string): void | Promise<void>;
}

/**
 * What the platform knows about the app's lifecycle. `onWake` calls back when the app may have been inactive (a tab is
 * shown again, the network is back, an app comes to the front). It returns a function that stops this.
 */
export interface Lifecycle {
  onWake(listener: () => void): () => void;
  /** False if the device is sure that it has no network. */
  isOnline(): boolean;
  onOnlineChange(listener: () => void): () => void;
  /** True while a user may be looking: the tab is visible or the app is in front. Leave it out if that is unknown. */
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
