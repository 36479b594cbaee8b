// SPDX-License-Identifier: MIT

import { OrderApi, OrderClient, Session, webSocketUrl } from '@ordercast/client';
import { webEnvironment, webStorage } from '@ordercast/client/web';

/** What the whole page shares: the session, the API, and one client for each session. */

const storageKey = 'ordercast-admin';
const environment = webEnvironment();

export const session = new Session({
  origin: location.origin,
  storage: webStorage(() => localStorage),
  fetch: (url, init) => fetch(url, init),
  storageKey,
  environment,
});

export const api = new OrderApi(session);

export function makeClient(): OrderClient {
  return new OrderClient({
    url: webSocketUrl(location.origin),
    getToken: session.getToken,
    fetchOrder: (orderId) => api.getOrder(orderId),
    environment,
    tokenExpiresInMs: session.tokenExpiresInMs,
  });
}

// A sign-out in one tab signs out all tabs, and all tabs use a token that one has renewed.
window.addEventListener('storage', (event) => {
  if (event.key === storageKey) void session.onStored(event.oldValue, event.newValue);
});
