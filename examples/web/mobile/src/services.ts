// SPDX-License-Identifier: MIT

import { OrderApi, OrderClient, Session, webSocketUrl } from '@ordercast/client';
import { createContext, useContext } from 'react';
import type { Platform, PushDevice } from './platform.ts';

const storageKey = 'ordercast-mobile';

/** What the whole app shares: the session, the API, and one client for each session. */
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
    // Never stopped: one instance lives as long as the app.
    platform.onStored?.(storageKey, (before, after) => void this.session.onStored(before, after));
    this.api = new OrderApi(this.session);
  }

  /** Always the same function, so that hooks may depend on it. */
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

  /** Registers the device for pushes. Without push the app works, but stays silent in the background. */
  async registerDevice(): Promise<void> {
    try {
      this.#device = await this.#platform.registerForPush();
      if (this.#device === null) return;
      await this.api.registerDevice(this.#device.token, this.#device.platform);
    } catch {
      this.#device = null; // Retry at the next start.
    }
  }

  /** Signs out. The phone's next user must not get this user's pushes. */
  async signOut(): Promise<void> {
    const device = this.#device;
    this.#device = null;
    // If the server can't be reached, the next user's registration takes the device over.
    await this.session.signOut(device === null ? {} : { deviceToken: device.token });
  }
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (services === null) throw new Error('There is no ServicesContext above this component');
  return services;
}
