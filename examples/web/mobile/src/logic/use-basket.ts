// SPDX-License-Identifier: MIT

import type { Product, Store } from '@ordercast/client';
import { useConnectionState } from '@ordercast/client/react';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useAccount, useServices } from '../services.ts';
import { again, type Basket, emptyBasket, parseBasket, withStore } from './basket.ts';

export interface Loaded<T> {
  readonly value: T | undefined;
  readonly problem: unknown;
  /** Asks again. Never rejects. */
  readonly reload: () => void;
}

/** What `load` returns; asked again by itself once the connection is back. `load` is the same at each render. */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [answer, setAnswer] = useState<{ load: unknown; value?: T; problem?: unknown }>();
  const [attempt, setAttempt] = useState(0);
  const isLive = useConnectionState().status === 'live';
  const current = answer?.load === load ? answer : undefined;
  const hasFailed = current?.problem !== undefined;
  useEffect(() => {
    let isCurrent = true;
    void attempt;
    load().then(
      (value) => isCurrent && setAnswer({ load, value }),
      (problem: unknown) => isCurrent && setAnswer({ load, problem }),
    );
    return () => {
      isCurrent = false;
    };
  }, [load, attempt]);
  const reload = useCallback(() => setAttempt((before) => before + 1), []);
  const failed = useRef(hasFailed);
  useEffect(() => {
    failed.current = hasFailed;
  });
  useEffect(() => {
    // Once for each time that the connection comes back, not for each failure.
    if (isLive && failed.current) reload();
  }, [isLive, reload]);
  return { value: current?.value, problem: current?.problem, reload };
}

export interface UseBasket {
  /** Undefined until it is known. */
  readonly basket: Basket | undefined;
  readonly change: (basket: Basket) => void;
  readonly stores: Loaded<readonly Store[]>;
  readonly products: Loaded<readonly Product[]>;
  /** Names of what the earlier order had and the shop no longer sells. */
  readonly missing: readonly string[];
  /** Why the earlier order can't be ordered again. */
  readonly againProblem: unknown;
}

const none: readonly Product[] = [];

/** The basket as it was left, or the items of an earlier order; written down with each change. */
export function useBasket(againId: string | null): UseBasket {
  const { api, navigation } = useServices();
  const { notebook, history } = useAccount();
  const [basket, setBasket] = useState<Basket>();
  const [missing, setMissing] = useState<readonly string[]>([]);
  const [againProblem, setAgainProblem] = useState<unknown>();

  const change = useCallback(
    (next: Basket) => {
      setBasket(next);
      void notebook.write('basket', next);
    },
    [notebook],
  );

  useEffect(() => {
    let isCurrent = true;
    async function repeat(orderId: string): Promise<void> {
      const order = history.find(orderId) ?? (await api.getOrder(orderId));
      const repeated = again(order, await api.listProducts(order.storeId));
      if (!isCurrent) return;
      setMissing(repeated.missing);
      change(repeated.basket);
      // From here on it is a basket like any other: a reload keeps what is changed in it.
      navigation.replace({ page: 'new', again: null });
    }
    async function start(): Promise<void> {
      if (againId !== null) {
        try {
          return await repeat(againId);
        } catch (problem) {
          if (isCurrent) setAgainProblem(problem);
        }
      }
      const kept = parseBasket(await notebook.read('basket'));
      if (isCurrent) setBasket((before) => before ?? kept ?? emptyBasket);
    }
    void start();
    return () => {
      isCurrent = false;
    };
  }, [againId, api, change, history, navigation, notebook]);

  const stores = useLoaded(useCallback(() => api.listStores(), [api]));
  const storeId = basket?.storeId ?? null;
  const products = useLoaded(
    useCallback(async () => (storeId === null ? none : api.listProducts(storeId)), [api, storeId]),
  );

  // A shop that is gone, or none chosen yet: the first one.
  const first = stores.value?.[0]?.id;
  const isKnown = stores.value?.some(({ id }) => id === storeId) ?? true;
  useEffect(() => {
    if (basket !== undefined && first !== undefined && (storeId === null || !isKnown)) {
      change(withStore(basket, first));
    }
  }, [basket, change, first, isKnown, storeId]);

  return { basket, change, stores, products, missing, againProblem };
}
