// SPDX-License-Identifier: MIT

import type { OrderClient } from '@ordercast/client';
import { Paced } from '../orders/paced.ts';
import { api, listPace, now, settings, timers } from '../services.ts';
import { Alarm } from './alarm.ts';
import { Chime } from './sound.ts';
import { StepQueue } from './step-queue.ts';

/** What one session has on its desk: the steps that wait, and the bell. */
export interface Desk {
  readonly client: OrderClient;
  readonly steps: StepQueue;
  readonly alarm: Alarm;
  readonly chime: Chime;
  /** Somebody has opened this order: it rings no more, in this browser's other tabs either. */
  readonly open: (orderId: string) => void;
  readonly silence: () => void;
  readonly close: () => void;
}

const repeatMs = 4000;

export function makeDesk(client: OrderClient): Desk {
  const steps = new StepQueue({
    timers,
    now,
    undoMs: () => settings.get().undoSeconds * 1000,
    send: ({ order, status, note }, { keepalive }) =>
      api.setStatus(order.id, { status, note, expectedVersion: order.version, keepalive }),
    onOrder: (order) => void client.offer(order),
    onOutdated: (orderId) => void client.refresh(orderId),
  });
  const chime = new Chime();
  const alarm = new Alarm({
    timers,
    ring: () => {
      if (settings.get().sound) chime.ring();
    },
    notify: showNotification,
    repeatMs: () => repeatMs,
  });
  const tabs =
    typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('ordercast-desk');
  if (tabs !== null) {
    tabs.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data === null) alarm.silence();
      else if (typeof data === 'string') alarm.onOpened(data);
    };
  }
  const pending = new Paced({
    timers,
    now,
    pace: listPace,
    run: async () => {
      try {
        const query = { statuses: ['PENDING'], sortOrder: 'desc', page: 1, pageSize: 100 } as const;
        alarm.onPending((await api.listOrders(query)).orders);
      } catch {
        // The next hint or reconnect asks again; what is placed meanwhile is new then.
      }
    },
  });
  const stops = [
    client.watchList((change) => {
      if (change === undefined) pending.ask();
      else alarm.onHint(change.orderId, change.status);
    }),
    listen(window, 'pagehide', () => steps.flush()),
    listen(window, 'pointerdown', chime.unlock),
    listen(window, 'keydown', chime.unlock),
  ];
  pending.ask();
  return {
    client,
    steps,
    alarm,
    chime,
    open: (orderId) => {
      alarm.onOpened(orderId);
      tabs?.postMessage(orderId);
    },
    silence: () => {
      alarm.silence();
      tabs?.postMessage(null);
    },
    close: () => {
      for (const stop of stops) stop();
      pending.stop();
      steps.close();
      alarm.close();
      tabs?.close();
    },
  };
}

function listen(target: Window, type: string, listener: () => void): () => void {
  target.addEventListener(type, listener, { passive: true });
  return () => target.removeEventListener(type, listener);
}

function showNotification(orderId: string): void {
  if (!settings.get().notifications || typeof Notification === 'undefined') return;
  if (Notification.permission !== 'granted' || document.visibilityState === 'visible') return;
  try {
    const shown = new Notification('New order', {
      tag: orderId,
      body: 'Open it to stop the bell.',
    });
    shown.onclick = () => {
      window.focus();
      location.hash = `#/orders/${encodeURIComponent(orderId)}`;
      shown.close();
    };
  } catch {
    // Phones allow notifications from service workers alone.
  }
}
