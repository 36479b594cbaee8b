// SPDX-License-Identifier: MIT

import { OrderApi, OrderClient, Session, webSocketUrl } from '@ordercast/client';
import { webEnvironment, webStorage } from '@ordercast/client/web';

/** What the whole page shares: who is signed in, the API, and a client a session. */

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

// Signing out in one tab signs out in all, and a token that was renewed in one is there for all.
window.addEventListener('storage', (event) => {
  if (event.key === storageKey) void session.onStored(event.oldValue, event.newValue);
});
