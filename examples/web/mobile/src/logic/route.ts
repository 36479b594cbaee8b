// SPDX-License-Identifier: MIT

/** A screen and what it shows. In a browser the URL's fragment holds it, so that Back, reload and links work. */
export type Route =
  | { readonly page: 'orders' }
  | { readonly page: 'order'; readonly orderId: string }
  /** Placing an order; `again` is an earlier order whose items it starts with. */
  | { readonly page: 'new'; readonly again: string | null };

export const home: Route = { page: 'orders' };

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#/, '');
  const order = /^\/orders\/([^/?]+)$/.exec(path);
  if (order?.[1] !== undefined) return { page: 'order', orderId: decode(order[1]) };
  const again = /^\/new(?:\?again=([^&]+))?$/.exec(path);
  if (again !== null) {
    return { page: 'new', again: again[1] === undefined ? null : decode(again[1]) };
  }
  return home;
}

export function hrefOf(route: Route): string {
  switch (route.page) {
    case 'order':
      return `#/orders/${encodeURIComponent(route.orderId)}`;
    case 'new':
      return route.again === null ? '#/new' : `#/new?again=${encodeURIComponent(route.again)}`;
    default:
      return '#/orders';
  }
}

/** Whether both show the same screen. */
export function isSameRoute(a: Route, b: Route): boolean {
  return hrefOf(a) === hrefOf(b);
}
