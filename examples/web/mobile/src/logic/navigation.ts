// SPDX-License-Identifier: MIT

import { home, isSameRoute, type Route } from './route.ts';

/** Where the user is and was. `getRoute` returns the same object until the route changes. */
export interface Navigation {
  getRoute(): Route;
  subscribe(listener: () => void): () => void;
  open(route: Route): void;
  /** Opens `route` in place of the current one: Back does not return to it. */
  replace(route: Route): void;
  /** Goes back; false if there is nothing behind, so that the platform may leave the app. */
  back(): boolean;
}

/** Screens on top of each other, in memory: a phone's navigation. */
export class StackNavigation implements Navigation {
  #stack: readonly Route[] = [home];
  readonly #listeners = new Set<() => void>();

  getRoute = (): Route => this.#stack[this.#stack.length - 1] ?? home;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  open(route: Route): void {
    if (isSameRoute(route, this.getRoute())) return; // A push for the order that is open.
    // Home is the bottom: going there keeps nothing above it.
    this.#set(isSameRoute(route, home) ? [home] : [...this.#stack, route]);
  }

  replace(route: Route): void {
    const below = this.#stack.slice(0, -1);
    this.#set(below.length === 0 && !isSameRoute(route, home) ? [home, route] : [...below, route]);
  }

  back(): boolean {
    if (this.#stack.length < 2) return false;
    this.#set(this.#stack.slice(0, -1));
    return true;
  }

  #set(stack: readonly Route[]): void {
    this.#stack = stack;
    for (const listener of [...this.#listeners]) listener();
  }
}
