// SPDX-License-Identifier: MIT

import { ApiError, type OrderClient, type TimerId } from '@ordercast/client';
import { Paced } from '../orders/paced.ts';
import {
  api,
  keptSteps,
  listPace,
  now,
  openedOrders,
  serverAnswers,
  session,
  settings,
  timers,
} from '../services.ts';
import { Alarm } from './alarm.ts';
import { showNotification } from './notifications.ts';
import { RecoveryProbe } from './recovery-probe.ts';
import { RingingTab } from './ringing-tab.ts';
import { Chime } from './sound.ts';
import { StepQueue } from './step-queue.ts';

/** What one session has on its desk: the steps that wait, and the bell. */
export interface Desk {
  readonly client: OrderClient;
  readonly steps: StepQueue;
  readonly alarm: Alarm;
  readonly chime: Chime;
  /** The order was opened: the bell stops for it, in this browser's other tabs too. */
  readonly open: (orderId: string) => void;
  readonly silence: () => void;
  /** Ends the session when the steps that were taken have been sent. */
  readonly signOut: () => Promise<void>;
  readonly close: () => void;
}

const repeatMs = 4000;
/** When a look for new orders that has failed is tried again. */
const lookAgainMs = 5000;
/** How long a sign-out waits for the steps that are on their way. */
const signOutMs = 5000;

export function makeDesk(client: OrderClient): Desk {
  const steps = new StepQueue({
    timers,
    now,
    undoMs: () => settings.get().undoSeconds * 1000,
    // A page that is being left can't wait for a new token.
    prepare: () => void session.getToken({ fresh: false }),
    send: ({ order, status, note }) =>
      api.setStatus(order.id, { status, note, expectedVersion: order.version, keepalive: true }),
    kept: keptSteps(),
    onOrder: (order) => void client.offer(order),
    onOutdated: (orderId) => void client.refresh(orderId),
  });
  const chime = new Chime();
  const ringing = new RingingTab(navigator.locks);
  const alarm = new Alarm({
    timers,
    ring: () => {
      if (settings.get().sound && ringing.isMine) chime.ring();
    },
    notify: (orderId) => {
      if (ringing.isMine) showNotification(orderId);
    },
    repeatMs: () => repeatMs,
    opened: openedOrders(),
  });
  const tabs =
    typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('ordercast-desk');
  if (tabs !== null) {
    tabs.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data === null) alarm.silence();
      else if (typeof data === 'string') alarm.onOpened(data);
    };
  }
  let isClosed = false;
  let again: TimerId | null = null;
  const stopAgain = (): void => {
    if (again !== null) timers.clear(again);
    again = null;
  };
  const pending = new Paced({
    timers,
    now,
    pace: listPace,
    run: async () => {
      stopAgain();
      try {
        const query = { statuses: ['PENDING'], sortOrder: 'desc', page: 1, pageSize: 100 } as const;
        const { orders } = await api.listOrders(query);
        if (!isClosed) alarm.onPending(orders);
      } catch (problem) {
        // Nothing else asks again while the connection lasts, and without a first answer nothing rings.
        const asked = problem instanceof ApiError ? (problem.retryAfterMs ?? 0) : 0;
        if (!isClosed) again = timers.set(() => pending.ask(), Math.max(asked, lookAgainMs));
      }
    },
  });
  const probe = new RecoveryProbe({
    timers,
    random: Math.random,
    isWaiting: () =>
      client.getState().status === 'waiting' &&
      client.isOnline() &&
      document.visibilityState === 'visible',
    answers: serverAnswers,
    reconnect: client.reconnect,
  });
  const touched = (): void => {
    chime.unlock();
    ringing.claim();
  };
  const stops = [
    client.onStateChange(probe.look),
    client.watchList((change) => {
      if (change === undefined) pending.ask();
      else alarm.onHint(change.orderId, change.status);
    }),
    listen(window, 'pagehide', () => steps.flush()),
    // A tablet may end a hidden tab without an event.
    listen(document, 'visibilitychange', () => {
      if (document.visibilityState === 'hidden') steps.flush();
    }),
    listen(window, 'pointerdown', touched),
    listen(window, 'keydown', touched),
  ];
  pending.ask();
  steps.resume();
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
    signOut: async () => {
      await steps.finish(signOutMs);
      await session.signOut();
    },
    close: () => {
      isClosed = true;
      for (const stop of stops) stop();
      pending.stop();
      probe.stop();
      ringing.close();
      stopAgain();
      steps.close();
      alarm.close();
      tabs?.close();
    },
  };
}

function listen(target: EventTarget, type: string, listener: () => void): () => void {
  target.addEventListener(type, listener, { passive: true });
  return () => target.removeEventListener(type, listener);
}
