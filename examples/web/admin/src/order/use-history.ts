// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import type { HistoryEntry } from '@ordercast/client/staff';
import { useEffect, useState } from 'react';
import { api } from '../services.ts';

/** Who made each version; until that is known, or if it can't be, what the order itself tells. */
export function useHistory(order: Order): readonly HistoryEntry[] {
  const { id, version } = order;
  const [history, setHistory] = useState<readonly HistoryEntry[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each version has one entry more
  useEffect(() => {
    let isCurrent = true;
    api.history(id).then(
      (entries) => {
        if (isCurrent) setHistory(entries);
      },
      () => undefined, // The order's own logs are shown instead.
    );
    return () => {
      isCurrent = false;
    };
  }, [id, version]);
  return history.length >= order.statusLogs.length ? history : historyOfLogs(order);
}

function historyOfLogs(order: Order): readonly HistoryEntry[] {
  return order.statusLogs.map((log, index) => ({
    version: index + 1,
    status: log.status,
    paymentStatus: null,
    note: log.note,
    actor: log.actorRole ? { id: log.id, name: '', role: log.actorRole } : null,
    createdAt: log.createdAt,
  }));
}
