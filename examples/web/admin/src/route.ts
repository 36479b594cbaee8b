// SPDX-License-Identifier: MIT

import { type OrderStatus, orderStatuses } from '@ordercast/client';
import type { StaffFilters } from '@ordercast/client/staff';
import { useMemo, useSyncExternalStore } from 'react';

/** What a list shows: all that is not over, one status, or everything. */
export type Tab = 'OPEN' | OrderStatus | 'ALL';

export const openStatuses = [
  'PENDING',
  'CONFIRMED',
  'PREPARING',
  'READY',
  'OUT_FOR_DELIVERY',
] as const satisfies readonly OrderStatus[];

export const tabs: readonly Tab[] = ['OPEN', ...orderStatuses, 'ALL'];

export interface ListRoute {
  readonly tab: Tab;
  readonly filters: StaffFilters;
  readonly number: number;
}

/** The URL's fragment holds the route, so that any file server can serve this page. An order knows the list it is from. */
export type Route =
  | { readonly page: 'orders'; readonly list: ListRoute }
  | { readonly page: 'order'; readonly orderId: string; readonly list: ListRoute }
  | { readonly page: 'kitchen' };

export const filterNames = [
  'q',
  'storeId',
  'paymentStatus',
  'paymentMethod',
  'fulfillmentType',
  'dateFrom',
  'dateTo',
] as const satisfies readonly (keyof StaffFilters)[];

export const firstList: ListRoute = { tab: 'OPEN', filters: {}, number: 1 };

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parseList(query: string): ListRoute {
  const parameters = new URLSearchParams(query);
  const number = Number(parameters.get('page') ?? '1');
  const given = filterNames.flatMap((name) => {
    const value = parameters.get(name);
    return value ? [[name, value] as const] : [];
  });
  return {
    tab: tabs.find((tab) => tab === parameters.get('status')) ?? 'OPEN',
    filters: Object.fromEntries(given),
    number: Number.isSafeInteger(number) && number > 0 ? number : 1,
  };
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  if (path === '/kitchen') return { page: 'kitchen' };
  const order = /^\/orders\/([^/]+)$/.exec(path);
  const list = parseList(query);
  if (order?.[1] !== undefined) return { page: 'order', orderId: decode(order[1]), list };
  return { page: 'orders', list };
}

export function hrefOf(route: Route): string {
  if (route.page === 'kitchen') return '#/kitchen';
  const { tab, filters, number } = route.list;
  const parameters = new URLSearchParams();
  if (tab !== 'OPEN') parameters.set('status', tab);
  for (const name of filterNames) {
    const value = filters[name];
    if (value) parameters.set(name, value);
  }
  if (number !== 1) parameters.set('page', String(number));
  const query = parameters.toString();
  const path =
    route.page === 'order' ? `#/orders/${encodeURIComponent(route.orderId)}` : '#/orders';
  return query === '' ? path : `${path}?${query}`;
}

export function go(route: Route): void {
  location.hash = hrefOf(route);
}

/** Goes there without a step in the history, as for each key of a search. */
export function replaceRoute(route: Route): void {
  history.replaceState(history.state, '', hrefOf(route));
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  window.addEventListener('popstate', listener);
  return () => {
    window.removeEventListener('hashchange', listener);
    window.removeEventListener('popstate', listener);
  };
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return useMemo(() => parseRoute(hash), [hash]);
}
