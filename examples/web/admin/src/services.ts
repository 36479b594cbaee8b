// SPDX-License-Identifier: MIT

import { OrderClient, Session, systemTimers, webSocketUrl } from '@ordercast/client';
import { StaffApi } from '@ordercast/client/staff';
import { webEnvironment, webStorage } from '@ordercast/client/web';
import { KeptSteps } from './desk/kept-steps.ts';
import { OpenedOrders } from './desk/opened-orders.ts';
import { SettingsStore } from './desk/settings.ts';
import { Pace } from './orders/paced.ts';

/** What the whole page shares: the session, the API, the settings, and one client for each session. */

const storageKey = 'ordercast-admin';
const settingsKey = 'ordercast-admin-settings';
const environment = webEnvironment();
const storage = webStorage(() => localStorage);

export const session = new Session({
  origin: location.origin,
  storage,
  fetch: (url, init) => fetch(url, init),
  storageKey,
  environment,
});

export const api = new StaffApi(session);
export const settings = new SettingsStore(storage, settingsKey);
export const keptSteps = (): KeptSteps =>
  new KeptSteps(storage, `ordercast-admin-steps.${session.heldUserId ?? ''}`);
export const openedOrders = (): OpenedOrders =>
  new OpenedOrders(storage, `ordercast-admin-opened.${session.heldUserId ?? ''}`);
export const timers = systemTimers;
export const now = (): number => environment.now();

/** One list request in two seconds and tab, however much changes; the counts are asked for as often. */
export const listPace = new Pace(2000);
export const countPace = new Pace(2000);

/** Whether the server answers at all; a proxy in front of it says 502 to 504 for one that does not. Never rejects. */
export async function serverAnswers(): Promise<boolean> {
  try {
    const { status } = await fetch('/healthz', {
      cache: 'no-store',
      signal: AbortSignal.timeout(3000),
    });
    return status < 500;
  } catch {
    return false;
  }
}

export function makeClient(): OrderClient {
  return new OrderClient({
    url: webSocketUrl(location.origin),
    getToken: session.getToken,
    fetchOrder: (orderId) => api.getOrder(orderId),
    environment,
    tokenExpiresInMs: session.tokenExpiresInMs,
  });
}

window.addEventListener('storage', (event) => {
  // A sign-out in one tab signs out all tabs, and all tabs use a token that one has renewed.
  if (event.key === storageKey) void session.onStored(event.oldValue, event.newValue);
  if (event.key === settingsKey) settings.onStored(event.newValue);
});
