// SPDX-License-Identifier: MIT

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { OrderPage, PageMeta } from '../api';
import { newer } from '../order-rules';
import type { Order, OrderStatus } from '../types';
import { WatchedOrders } from '../watched-orders';
import { useOrderClient } from './provider';

export interface OrderList {
  /** Undefined until the first answer. */
  readonly orders: readonly Order[] | undefined;
  readonly meta: PageMeta | undefined;
  /** Entries of the answer that are no orders at all: there are so many more than are shown. */
  readonly unreadable: number;
  readonly problem: unknown;
  /** The versions that came in while the page was open; a row whose version is here has just changed. */
  readonly changed: ReadonlyMap<string, number>;
  /** Asks again. Resolves when the answer is in; never rejects. */
  readonly reload: () => Promise<void>;
  readonly offer: (order: Order) => void;
}

interface Loaded {
  readonly orders: readonly Order[];
  readonly meta: PageMeta;
  readonly unreadable: number;
}

export interface OrderListOptions {
  /** Asks the server for a page; the same function at each render. */
  readonly list: (query: OrderListQuery) => Promise<OrderPage>;
  readonly query: OrderListQuery;
  /** Called for each order that came or changed while the page was open. */
  readonly onChange?: (order: Order) => void;
}

export interface OrderListQuery {
  readonly status: OrderStatus | null;
  readonly page: number;
  readonly pageSize: number;
}

/**
 * One page of the list, live: its rows are watched, so that they change as they are pushed; a hint of any order asks
 * for the page again, because rows may come and go. However many hints come, one request is under way.
 */
export function useOrderList(options: OrderListOptions): OrderList {
  const { list, onChange } = options;
  const { status, page, pageSize } = options.query;
  const client = useOrderClient();
  const [loaded, setLoaded] = useState<Loaded>();
  const [problem, setProblem] = useState<unknown>();
  const [changed, setChanged] = useState<ReadonlyMap<string, number>>(new Map());
  const newest = useRef(new Map<string, Order>());
  const generation = useRef(client.generation);
  const listener = useRef(onChange);
  useEffect(() => {
    listener.current = onChange;
  });

  /** Takes what has come by whichever way; `silent` for what was there before we looked. */
  const take = useCallback((order: Order, silent: boolean): Order => {
    const held = newest.current.get(order.id);
    const kept = newer(held, order);
    if (kept === held) return kept;
    newest.current.set(order.id, order);
    if (!silent) {
      setChanged((before) => new Map(before).set(order.id, order.version));
      listener.current?.(order);
    }
    return kept;
  }, []);

  const offer = useCallback(
    (order: Order) => {
      if (take(order, false) !== order) return;
      setLoaded(
        (before) =>
          before && {
            ...before,
            orders: before.orders.map((row) => (row.id === order.id ? order : row)),
          },
      );
    },
    [take],
  );

  const reload = useRef<() => Promise<void>>(async () => undefined);
  useEffect(() => {
    let current = true;
    let underWay = false;
    let again = false;
    let first = true;
    newest.current = new Map();
    setChanged(new Map());

    async function load(): Promise<void> {
      again = underWay;
      if (underWay) return;
      underWay = true;
      try {
        const answer = await list({ page, pageSize, status });
        if (!current) return;
        const silent = first;
        first = false;
        if (generation.current !== client.generation) {
          // The store is another one: its versions can't be compared with those before.
          generation.current = client.generation;
          newest.current = new Map();
        }
        const orders = answer.orders.map((order) => take(order, silent));
        // What has left the page is forgotten, or a page that is open all day would grow.
        const ids = new Set(orders.map(({ id }) => id));
        newest.current = new Map(orders.map((order) => [order.id, order]));
        setChanged((before) => only(before, ids));
        setLoaded({ orders, meta: answer.meta, unreadable: answer.unreadable ?? 0 });
        setProblem(undefined);
      } catch (error) {
        if (current) setProblem(error);
      } finally {
        underWay = false;
        if (again && current) void load();
      }
    }

    reload.current = load;
    void load();
    const stop = client.watchList(() => void load());
    return () => {
      current = false;
      stop();
    };
  }, [client, list, status, page, pageSize, take]);

  // Watched by id: a row that moves up stays watched, and of a new page only the difference is told to the server.
  const watched = useMemo(
    () => new WatchedOrders((id) => client.watchOrder(id, offer, newest.current.get(id))),
    [client, offer],
  );
  const ids = (loaded?.orders ?? []).map(({ id }) => id).join(' ');
  useEffect(() => {
    watched.set(ids === '' ? [] : ids.split(' '));
  }, [watched, ids]);
  useEffect(() => () => watched.set([]), [watched]);

  const reloadNow = useCallback(() => reload.current(), []);
  return {
    orders: loaded?.orders,
    meta: loaded?.meta,
    unreadable: loaded?.unreadable ?? 0,
    problem,
    changed,
    reload: reloadNow,
    offer,
  };
}

/** The entries of these ids; the same map if that is all of them. */
function only(
  changed: ReadonlyMap<string, number>,
  ids: ReadonlySet<string>,
): ReadonlyMap<string, number> {
  const kept = [...changed].filter(([id]) => ids.has(id));
  return kept.length === changed.size ? changed : new Map(kept);
}
