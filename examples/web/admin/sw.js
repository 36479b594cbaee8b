// SPDX-License-Identifier: MIT

/**
 * The panel's shell, so that it opens without a network and can say so. Orders are never kept: what is shown is what
 * the server says.
 */

/** The build's files; vite.config.ts fills them in. A new build has other names, and so another version of this file. */
const files = ['/* files */'];
const cacheName = 'ordercast-admin-VERSION';

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(cacheName)
      .then((cache) => cache.addAll(files))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names
            .filter((name) => name.startsWith('ordercast-admin-') && name !== cacheName)
            .map((name) => caches.delete(name)),
        ),
      ),
  );
});

/** A new order was tapped: its `data` is the page that shows it. */
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(
    self.clients.matchAll({ type: 'window' }).then(async (windows) => {
      const [open] = windows;
      if (open === undefined) return self.clients.openWindow(event.notification.data);
      await open.focus();
      return open.navigate(event.notification.data);
    }),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate' && url.pathname === '/') {
    // The newest page, if there is a network.
    event.respondWith(fetch(request).catch(() => caches.match('/')));
  } else if (files.includes(url.pathname)) {
    event.respondWith(caches.match(url.pathname).then((held) => held ?? fetch(request)));
  }
});
