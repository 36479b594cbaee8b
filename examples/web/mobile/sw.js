// SPDX-License-Identifier: MIT

/** The app's shell, so that it opens without a network. Orders are not its business: the app writes down what it shows. */

/** The build's files; vite.config.ts fills them in. A new build has other names, and so another version of this file. */
const files = ['/* files */'];
const cacheName = 'ordercast-mobile-VERSION';
const page = '/mobile/';

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
            .filter((name) => name.startsWith('ordercast-mobile-') && name !== cacheName)
            .map((name) => caches.delete(name)),
        ),
      ),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate' && url.pathname === page) {
    // The newest page, if there is a network.
    event.respondWith(fetch(request).catch(() => caches.match(page)));
  } else if (files.includes(url.pathname)) {
    event.respondWith(caches.match(url.pathname).then((held) => held ?? fetch(request)));
  }
});
