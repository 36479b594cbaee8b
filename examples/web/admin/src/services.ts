// SPDX-License-Identifier: MIT

import { OrderApi, OrderClient, Session, webSocketUrl } from '@ordercast/client';
import { webEnvironment, webStorage } from '@ordercast/client/web';

/** What the whole page shares: who is signed in, the API, and a client a session. */

const storageKey = 'ordercast-admin';

export const session = new Session({
  origin: location.origin,
  storage: webStorage(() => localStorage),
  fetch: (url, init) => fetch(url, init),
  storageKey,
});

export const api = new OrderApi(session);

export function makeClient(): OrderClient {
  return new OrderClient({
    url: webSocketUrl(location.origin),
    getToken: session.getToken,
    fetchOrder: (orderId) => api.getOrder(orderId),
    environment: webEnvironment(),
  });
}

// Signing out in one tab signs out in all.
window.addEventListener('storage', (event) => {
  if (event.key === storageKey && event.newValue === null) void session.signOut();
});
