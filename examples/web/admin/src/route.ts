// SPDX-License-Identifier: MIT

import { type OrderStatus, orderStatuses } from '@ordercast/client';
import { useMemo, useSyncExternalStore } from 'react';

/** The URL's fragment holds the route, so that any file server can serve this page. */
export type Route =
  | { readonly page: 'orders'; readonly status: OrderStatus | null; readonly number: number }
  | { readonly page: 'order'; readonly orderId: string };

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  const order = /^\/orders\/([^/]+)$/.exec(path);
  if (order?.[1] !== undefined) return { page: 'order', orderId: decode(order[1]) };
  const parameters = new URLSearchParams(query);
  const number = Number(parameters.get('page') ?? '1');
  return {
    page: 'orders',
    status: orderStatuses.find((status) => status === parameters.get('status')) ?? null,
    number: Number.isSafeInteger(number) && number > 0 ? number : 1,
  };
}

export function hrefOf(route: Route): string {
  if (route.page === 'order') return `#/orders/${encodeURIComponent(route.orderId)}`;
  const parameters = new URLSearchParams();
  if (route.status !== null) parameters.set('status', route.status);
  if (route.number !== 1) parameters.set('page', String(route.number));
  const query = parameters.toString();
  return query === '' ? '#/orders' : `#/orders?${query}`;
}

export function go(route: Route): void {
  location.hash = hrefOf(route);
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return useMemo(() => parseRoute(hash), [hash]);
}
