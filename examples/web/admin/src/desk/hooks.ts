// SPDX-License-Identifier: MIT

import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import { session, settings } from '../services.ts';
import type { Desk } from './desk.ts';
import type { Settings } from './settings.ts';
import type { StepState } from './step-queue.ts';

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (desk === null) throw new Error('There is no desk above this component');
  return desk;
}

/** What became of the last step of this order. */
export function useStep(orderId: string): StepState | undefined {
  const { steps } = useDesk();
  return useSyncExternalStore(
    steps.subscribe,
    useCallback(() => steps.get(orderId), [steps, orderId]),
  );
}

/** The ids of new orders that are not opened yet. */
export function useUnseen(): ReadonlySet<string> {
  const { alarm } = useDesk();
  return useSyncExternalStore(alarm.subscribe, () => alarm.unseen);
}

export function useSettings(): Settings {
  return useSyncExternalStore(settings.subscribe, settings.get);
}

/** The role of the user who is signed in; '' if there is none. */
export function useRole(): string {
  const state = useSyncExternalStore(session.subscribe, session.getState);
  return state.status === 'signed-in' ? state.user.role : '';
}
