// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { useOrderClient } from '@ordercast/client/react';
import type { StaffQuery } from '@ordercast/client/staff';
import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useDesk } from '../desk/hooks.ts';
import { emptyList, type SteadyList } from '../desk/steady-list.ts';
import { api, countPace, listPace, now, timers } from '../services.ts';
import { ListView } from './list-view.ts';
import { type FeedSnapshot, nothingLoaded, OrderFeed } from './order-feed.ts';

export interface UseList {
  readonly feed: FeedSnapshot;
  readonly shown: SteadyList;
  readonly reload: () => Promise<void>;
  /** A pointer or the focus is in the list, or has left it. */
  readonly engage: (isEngaged: boolean) => void;
  readonly showWaiting: () => string | undefined;
}

const never = (): (() => void) => () => undefined;

/** One page of orders, live and held steady. `key` tells queries apart: another one starts with nothing. */
export function useList(
  query: StaffQuery,
  key: string,
  options: { countsKey?: string; onChange?: (order: Order) => void },
): UseList {
  const client = useOrderClient();
  const { steps } = useDesk();
  const { countsKey } = options;
  const withCounts = countsKey !== undefined;
  const latest = useRef({ query, onChange: options.onChange });
  useLayoutEffect(() => {
    latest.current = { query, onChange: options.onChange };
  });
  const [made, setMade] = useState<{ key: string; feed: OrderFeed; view: ListView } | null>(null);

  // Before the browser paints: rows of another query are never seen with this one's name.
  useLayoutEffect(() => {
    const feed = new OrderFeed({
      client,
      query: latest.current.query,
      list: (asked) => api.listOrders(asked),
      count: withCounts ? (asked) => api.countOrders(asked) : undefined,
      timers,
      now,
      pace: listPace,
      countPace,
      onChange: (order) => {
        steps.onOrder(order);
        latest.current.onChange?.(order);
      },
    });
    const view = new ListView(feed, timers, now);
    view.start();
    feed.start();
    setMade({ key, feed, view });
    return () => {
      view.stop();
      feed.stop();
    };
  }, [client, steps, withCounts, key]);

  const current = made?.key === key ? made : null;
  const feed = useSyncExternalStore(current?.feed.subscribe ?? never, current?.feed.get ?? none);
  const shown = useSyncExternalStore(current?.view.subscribe ?? never, current?.view.get ?? empty);
  // Another tab of the same filters has the same counts.
  const known = useRef<{ key: string | undefined; counts: FeedSnapshot['counts'] }>(undefined);
  useEffect(() => {
    if (feed.counts !== undefined) known.current = { key: countsKey, counts: feed.counts };
  }, [feed.counts, countsKey]);
  const counts = known.current?.key === countsKey ? known.current?.counts : undefined;
  return {
    feed: feed.counts === undefined ? { ...feed, counts } : feed,
    shown,
    reload: async () => current?.feed.reload(),
    engage: (isEngaged) => current?.view.engage(isEngaged),
    showWaiting: () => current?.view.showWaiting(),
  };
}

const none = (): FeedSnapshot => nothingLoaded;
const empty = (): SteadyList => emptyList;
