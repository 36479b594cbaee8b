// SPDX-License-Identifier: MIT

import { type Order, type OrderClient, WatchedOrders } from '@ordercast/client';
import { useOrderClient } from '@ordercast/client/react';
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { useAccount } from '../services.ts';
import type { HistoryState, OrderHistory } from './order-history.ts';
import { isOpen } from './words.ts';

export function useHistory(): HistoryState {
  const { history } = useAccount();
  return useSyncExternalStore(history.subscribe, history.getState, history.getState);
}

/** As many orders as are followed one by one; hints tell of the others. */
const mostWatched = 50;

/** Keeps the orders of the signed-in user up to date for as long as the component is there. */
export function useLiveHistory(): void {
  const client = useOrderClient();
  const { history } = useAccount();
  const { orders } = useHistory();
  useEffect(() => follow(history, client), [client, history]);

  const watched = useMemo(
    () => new WatchedOrders((id) => client.watchOrder(id, history.offer, history.find(id))),
    [client, history],
  );
  // Watched by id: an order that moves stays watched.
  const ids = useMemo(() => watchedIds(orders ?? []), [orders]);
  useEffect(() => {
    watched.set(ids === '' ? [] : ids.split(' '));
  }, [watched, ids]);
  useEffect(() => () => watched.set([]), [watched]);
}

/** Asks for the newest page now and whenever a hint comes. Returns a function that stops this. */
function follow(history: OrderHistory, client: OrderClient): () => void {
  let { generation } = client;
  void history.restore().then(history.reload);
  return client.watchList(() => {
    if (client.generation !== generation) history.forgetVersions();
    generation = client.generation;
    void history.reload();
  });
}

function watchedIds(orders: readonly Order[]): string {
  return orders
    .filter(isOpen)
    .slice(0, mostWatched)
    .map(({ id }) => id)
    .sort()
    .join(' ');
}
