// SPDX-License-Identifier: MIT

import { settings } from '../services.ts';

/** Tells of a new order where nobody looks at the page. */
export function showNotification(orderId: string): void {
  if (!settings.get().notifications || typeof Notification === 'undefined') return;
  if (Notification.permission !== 'granted' || document.visibilityState === 'visible') return;
  const title = 'New order';
  const options = { tag: orderId, body: 'Open it to stop the bell.' };
  const hash = `#/orders/${encodeURIComponent(orderId)}`;
  try {
    const shown = new Notification(title, options);
    shown.onclick = () => {
      window.focus();
      location.hash = hash;
      shown.close();
    };
  } catch {
    // Phones allow notifications from service workers alone; sw.js opens the order.
    void navigator.serviceWorker
      ?.getRegistration()
      .then((worker) => worker?.showNotification(title, { ...options, data: `/${hash}` }))
      .catch(() => undefined);
  }
}
