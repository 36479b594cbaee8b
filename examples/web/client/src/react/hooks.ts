// SPDX-License-Identifier: MIT

import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react';
import type { ListListener, OrderListener } from '../order-client';
import type { ConnectionState, Order } from '../types';
import { useOrderClient } from './provider';

export interface UseOrderWebSocketOptions {
  /** The order to watch, if any. */
  readonly orderId?: string | undefined;
  /** Called with every newer state of that order. */
  readonly onOrderUpdated?: OrderListener | undefined;
  /** Called when a list of orders is out of date. */
  readonly onOrdersChanged?: ListListener | undefined;
  /** False watches nothing. True by default. */
  readonly enabled?: boolean | undefined;
}

/**
 * Watches an order, or the list, or both, for as long as the component is there. The callbacks may be new functions
 * on each render. They are called once per message, not once per render, so that no message is lost to batching.
 */
export function useOrderWebSocket(options: UseOrderWebSocketOptions): void {
  const { orderId, enabled = true } = options;
  const client = useOrderClient();
  const callbacks = useRef(options);
  useEffect(() => {
    callbacks.current = options;
  });
  useEffect(() => {
    if (!enabled || !orderId) return undefined;
    return client.watchOrder(orderId, (order) => callbacks.current.onOrderUpdated?.(order));
  }, [client, orderId, enabled]);
  useEffect(() => {
    if (!enabled) return undefined;
    return client.watchList((change) => callbacks.current.onOrdersChanged?.(change));
  }, [client, enabled]);
}

export interface UseOrder {
  /** Undefined until it is known. */
  readonly order: Order | undefined;
  /** Why there is none, or none that is up to date. */
  readonly problem: unknown;
  /** Asks the server again. Never rejects. */
  readonly refresh: () => Promise<void>;
  /** Hands in the answer of a call that changed the order. */
  readonly offer: (order: Order) => void;
}

/** An order and all its changes: fetched once, then followed. */
export function useOrder(orderId: string): UseOrder {
  const client = useOrderClient();
  const subscribe = useCallback(
    (observer: () => void) => client.observeOrder(orderId, observer),
    [client, orderId],
  );
  const snapshot = useSyncExternalStore(
    subscribe,
    () => client.getOrder(orderId),
    () => client.getOrder(orderId),
  );
  const refresh = useCallback(() => client.refresh(orderId), [client, orderId]);
  const offer = useCallback((order: Order) => void client.offer(order), [client]);
  return { order: snapshot.order, problem: snapshot.problem, refresh, offer };
}

/** How the connection is. Does not open one. */
export function useConnectionState(): ConnectionState {
  const client = useOrderClient();
  return useSyncExternalStore(client.onStateChange, client.getState, client.getState);
}

/** Whether the device thinks that it has a network. */
export function useOnline(): boolean {
  const client = useOrderClient();
  return useSyncExternalStore(client.onOnlineChange, client.isOnline, client.isOnline);
}
