// SPDX-License-Identifier: MIT

import { OrderApi, OrderClient, Session, webSocketUrl } from '@ordercast/client';
import { createContext, useContext } from 'react';
import type { Platform, PushDevice } from './platform.ts';

const storageKey = 'ordercast-mobile';

/** What the whole app shares: who is signed in, the API, and a client a session. */
export class Services {
  readonly session: Session;
  readonly api: OrderApi;
  readonly #platform: Platform;
  #device: PushDevice | null = null;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.session = new Session({
      origin: platform.origin,
      storage: platform.storage,
      fetch: (url, init) => fetch(url, init),
      storageKey,
      environment: platform.environment,
    });
    // Nothing stops it: there is one of these as long as the app runs.
    platform.onStored?.(storageKey, (before, after) => void this.session.onStored(before, after));
    this.api = new OrderApi(this.session);
  }

  /** The same function each time, so that hooks may depend on it. */
  listOrders = (query: Parameters<OrderApi['listOrders']>[0]) => this.api.listOrders(query);

  makeClient(): OrderClient {
    return new OrderClient({
      url: webSocketUrl(this.#platform.origin),
      getToken: this.session.getToken,
      fetchOrder: (orderId) => this.api.getOrder(orderId),
      environment: this.#platform.environment,
      tokenExpiresInMs: this.session.tokenExpiresInMs,
    });
  }

  /** Tells the server where to push. An app without push is as good, only silent in the background. */
  async registerDevice(): Promise<void> {
    try {
      this.#device = await this.#platform.registerForPush();
      if (this.#device === null) return;
      await this.api.registerDevice(this.#device.token, this.#device.platform);
    } catch {
      this.#device = null; // The next start tries again.
    }
  }

  /** Whoever holds the phone next must not get this user's pushes. */
  async signOut(): Promise<void> {
    const device = this.#device;
    this.#device = null;
    // Where the server can't be told, the next user's registration takes the device over.
    await this.session.signOut(device === null ? {} : { deviceToken: device.token });
  }
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (services === null) throw new Error('There is no ServicesContext above this component');
  return services;
}
