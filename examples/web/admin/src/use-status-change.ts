// SPDX-License-Identifier: MIT

import type { Order, OrderStatus } from '@ordercast/client';
import { useCallback, useState } from 'react';
import { api } from './services.ts';

export interface StatusChange {
  readonly busy: boolean;
  /** Why the last change failed. */
  readonly problem: unknown;
  /** Resolves to true if the change succeeded. Never rejects. */
  readonly run: (status: OrderStatus, note?: string) => Promise<boolean>;
  readonly clear: () => void;
}

/** Changes an order's status, one change at a time. */
export function useStatusChange(
  orderId: string,
  onChanged: (order: Order) => void,
  onProblem: (problem: unknown) => void,
): StatusChange {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const run = async (status: OrderStatus, note?: string): Promise<boolean> => {
    setBusy(true);
    setProblem(undefined);
    try {
      onChanged(await api.setStatus(orderId, status, note));
      return true;
    } catch (error) {
      setProblem(error);
      onProblem(error);
      return false;
    } finally {
      setBusy(false);
    }
  };
  const clear = useCallback(() => setProblem(undefined), []);
  return { busy, problem, run, clear };
}
