// SPDX-License-Identifier: MIT

import { OrderApi, OrderClient, Session, webSocketUrl } from '@ordercast/client';
import { createContext, useContext, useSyncExternalStore } from 'react';
import type { Navigation } from './logic/navigation.ts';
import { eraseNotebook, Notebook } from './logic/notebook.ts';
import { OrderHistory } from './logic/order-history.ts';
import { Placement } from './logic/placement.ts';
import { orderOfPush, PushRegistration } from './logic/push-registration.ts';
import type { Route } from './logic/route.ts';
import type { Platform } from './platform.ts';

const storageKey = 'ordercast-mobile';

/** What the whole app shares: the session, the API, where the user is. */
export class Services {
  readonly session: Session;
  readonly api: OrderApi;
  readonly platform: Platform;
  /** False until the first screen: it leaves the focus where the platform puts it. */
  hasShownScreen = false;
  #device: PushRegistration | null = null;
  #account: Account | null = null;

  constructor(platform: Platform) {
    this.platform = platform;
    this.session = new Session({
      origin: platform.origin,
      storage: platform.storage,
      fetch: (url, init) => fetch(url, init),
      storageKey,
      environment: platform.environment,
    });
    // None of these is ever stopped: one instance lives as long as the app.
    this.session.subscribe(() => {
      const { status } = this.session.state;
      if (status !== 'signed-in') this.#account?.close();
      if (status === 'signed-out') void this.#eraseSeen();
    });
    platform.onStored?.(storageKey, (before, after) => void this.session.onStored(before, after));
    platform.push?.onOpened((data) => {
      const orderId = orderOfPush(data);
      // A user who is not signed in, or not this one, gets the screen's own answer to that.
      if (orderId !== null) platform.navigation.open({ page: 'order', orderId });
    });
    this.api = new OrderApi(this.session);
  }

  get navigation(): Navigation {
    return this.platform.navigation;
  }

  /** What belongs to one signed-in user; `close` it when they leave. */
  openAccount(userId: string): Account {
    this.#account = new Account(this, userId);
    return this.#account;
  }

  /**
   * What the user of the held tokens saw last, for the time in which the server can't be reached; null if there is
   * nothing, or it is another user's.
   */
  async lastHistory(): Promise<OrderHistory | null> {
    const userId = this.session.heldUserId;
    if (userId === null) return null;
    const history = new OrderHistory({
      list: () => this.api.listOrders({}),
      notebook: new Notebook(this.platform.notes, userId),
      now: Date.now,
    });
    await history.restore();
    const isKnown = history.getState().orders !== undefined;
    return isKnown && this.session.heldUserId === userId ? history : null;
  }

  /** Follows the device's push token for the signed-in user. */
  async registerDevice(): Promise<void> {
    const { push } = this.platform;
    if (push === undefined) return;
    this.#device?.stop();
    this.#device = new PushRegistration({
      push,
      add: ({ token, platform }) => this.api.registerDevice(token, platform),
      remove: ({ token, platform }) => this.api.removeDevice(token, platform),
    });
    await this.#device.start();
  }

  /** Signs out. The phone's next user must not get this user's pushes, nor see what they saw. */
  async signOut(): Promise<void> {
    const device = this.#device?.stop() ?? null;
    this.#device = null;
    // First: the call may take long, and the app may end meanwhile.
    this.#account?.close();
    const erased = eraseNotebook(this.platform.notes);
    // If the server can't be reached, the next user's registration takes the device over.
    await this.session.signOut(device === null ? {} : { deviceToken: device.token });
    await erased;
    this.navigation.replace({ page: 'orders' });
  }

  /**
   * However the session has ended. An order under way stays written down, for its user alone: its key keeps them, once
   * signed in again, from ordering twice.
   */
  #eraseSeen(): Promise<void> {
    return eraseNotebook(this.platform.notes, ['orders', 'basket']);
  }
}

/** What belongs to one user: nothing that one has seen is left for the next. */
export class Account {
  readonly client: OrderClient;
  readonly history: OrderHistory;
  readonly placement: Placement;
  readonly notebook: Notebook;
  /** How far down the list of orders was, for Back. */
  listOffset = 0;

  constructor({ platform, session, api }: Services, userId: string) {
    this.notebook = new Notebook(platform.notes, userId);
    this.client = new OrderClient({
      url: webSocketUrl(platform.origin),
      getToken: session.getToken,
      fetchOrder: (orderId) => api.getOrder(orderId),
      environment: platform.environment,
      tokenExpiresInMs: session.tokenExpiresInMs,
    });
    this.history = new OrderHistory({
      list: (query) => api.listOrders(query),
      notebook: this.notebook,
      now: Date.now,
    });
    this.placement = new Placement({
      place: (order, key) => api.placeOrder(order, key),
      notebook: this.notebook,
      newKey: platform.newKey,
      exclusively: platform.exclusively,
      now: Date.now,
    });
  }

  close(): void {
    this.notebook.close();
    this.client.close();
  }
}

export const ServicesContext = createContext<Services | null>(null);
export const AccountContext = createContext<Account | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (services === null) throw new Error('There is no ServicesContext above this component');
  return services;
}

export function useAccount(): Account {
  const account = useContext(AccountContext);
  if (account === null) throw new Error('There is no AccountContext above this component');
  return account;
}

export function useRoute(): Route {
  const { navigation } = useServices();
  return useSyncExternalStore(navigation.subscribe, navigation.getRoute, navigation.getRoute);
}
