// SPDX-License-Identifier: MIT

import { type Order, problemText } from '@ordercast/client';
import { statusName } from '@ordercast/client/format';
import {
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useSyncExternalStore,
} from 'react';
import { useDesk, useRole, useSettings } from '../desk/hooks.ts';
import { nextStepFor } from '../desk/permissions.ts';
import { orderName } from '../desk/step-texts.ts';
import { filterNames, hrefOf, type ListRoute } from '../route.ts';
import { session } from '../services.ts';
import { useAnnounce } from '../shell/announcer.tsx';
import { useTitle } from '../shell/bell.tsx';
import { useCommands } from '../shell/use-commands.ts';
import { Alert, Floating, Skeleton } from '../ui.tsx';
import { EmptyList } from './empty-list.tsx';
import { ListFilters } from './list-filters.tsx';
import { queryOf } from './list-query.ts';
import { OrderRow } from './order-row.tsx';
import { Pages } from './pages.tsx';
import { focusSought } from './seek-new.ts';
import { FloatingNote } from './step-notes.tsx';
import { Tabs, tabName } from './tabs.tsx';
import { useEngaged } from './use-engaged.ts';
import { useList } from './use-list.ts';

const columns = ['Order', 'Status', 'Customer', 'Items', 'Total', 'Next step'];

export function OrdersPage(props: {
  list: ListRoute;
  /** The order that is open, beside the list or over it. */
  opened: string | null;
  isHidden: boolean;
}): ReactNode {
  const { list, opened, isHidden } = props;
  const announce = useAnnounce();
  const desk = useDesk();
  const role = useRole();
  const { compact } = useSettings();
  const region = useRef<HTMLElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const state = useSyncExternalStore(session.subscribe, session.getState);
  const stores = (state.status === 'signed-in' && state.user.stores) || [];
  const countsKey = filterNames.map((name) => list.filters[name] ?? '').join('\n');
  const onChange = useCallback(
    (order: Order) => announce(`Order ${orderName(order)}: ${statusName(order.status)}`),
    [announce],
  );
  const key = hrefOf({ page: 'orders', list });
  const query = useMemo(() => queryOf(list), [list]);
  const { feed, shown, reload, engage, showWaiting } = useList(query, key, { countsKey, onChange });
  const engaged = useEngaged(engage);
  useTitle(opened === null ? `${tabName(list.tab)} orders` : 'Order');
  useKeptPlace(isHidden, region);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new rows may be what is sought
  useEffect(focusSought, [shown.rows, isHidden]);

  const links = (): HTMLElement[] => [
    ...(region.current?.querySelectorAll<HTMLElement>('a.order-link') ?? []),
  ];
  const move = (by: 1 | -1): void => {
    const all = links();
    const row = document.activeElement?.closest('tr');
    const at = all.findIndex((link) => link.closest('tr') === row);
    const target = at < 0 ? all[by > 0 ? 0 : all.length - 1] : all[at + by];
    target?.focus();
  };
  const stepOfFocused = (): void => {
    const id = document.activeElement?.closest('tr')?.dataset.orderId;
    const order = shown.rows.find((row) => row.id === id);
    const next = order && nextStepFor(role, order);
    if (order && next && desk.steps.take({ order, status: next })) {
      desk.open(order.id);
      announce(`${orderName(order)}: ${statusName(next)}, press U to undo`);
    }
  };
  useCommands(
    isHidden
      ? {}
      : {
          next: () => move(1),
          previous: () => move(-1),
          search: () => search.current?.focus(),
          step: opened === null ? stepOfFocused : undefined, // An open order has its own.
        },
  );
  useCommands({
    undo: () => {
      const step = desk.steps.undoLatest();
      if (step) announce(`${orderName(step.order)}: undone`);
    },
  });

  const { orders, meta, counts } = feed;
  const isLoading = orders === undefined && feed.problem === undefined;
  const isBeyond = meta !== undefined && list.number > Math.max(1, meta.totalPages);
  const first = meta === undefined ? 0 : (meta.page - 1) * meta.pageSize + 1;

  return (
    <div className="list-pane" hidden={isHidden}>
      <div className="page-head">
        <h1 data-focus-home tabIndex={-1}>
          Orders
        </h1>
        <span className="dimmed list-range">
          {orders !== undefined &&
            meta !== undefined &&
            (orders.length > 0
              ? `${first}–${first + orders.length - 1} of ${Math.max(meta.total, orders.length)}`
              : shown.rows.length === 0 && 'None to show')}
        </span>
      </div>
      <ListFilters list={list} stores={stores} search={search} />
      <Tabs list={list} counts={counts} total={orders && meta?.total} />
      {feed.unreadable > 0 && (
        <Alert tone="warning" role="status">
          {feed.unreadable === 1 ? 'One entry' : `${feed.unreadable} entries`} can’t be read and{' '}
          {feed.unreadable === 1 ? 'is' : 'are'} not shown. Reload the page for its newest version.
        </Alert>
      )}
      <section
        ref={region}
        className="panel orders-panel"
        aria-label="Orders"
        aria-busy={isLoading}
        data-focus-home
        data-compact={compact || undefined}
        tabIndex={-1}
        {...engaged}
      >
        {shown.waiting.length > 0 && !isHidden && (
          <Floating>
            <button
              type="button"
              className="waiting-bar"
              onClick={() => {
                const firstNew = showWaiting();
                requestAnimationFrame(() =>
                  links()
                    .find((link) => link.closest('tr')?.dataset.orderId === firstNew)
                    ?.focus(),
                );
              }}
            >
              {shown.waiting.length === 1 ? '1 new order' : `${shown.waiting.length} new orders`}
            </button>
          </Floating>
        )}
        {isLoading && <Skeleton rows={8} height={40} />}
        {orders === undefined && !isLoading && (
          <p className="empty">These orders come as soon as the server answers.</p>
        )}
        {orders !== undefined && shown.rows.length === 0 && (
          <EmptyList
            list={list}
            counts={counts}
            pages={isBeyond ? (meta?.totalPages ?? 1) : null}
          />
        )}
        {shown.rows.length > 0 && (
          <table className="orders">
            <thead>
              <tr>
                {columns.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.rows.map((order) => (
                <OrderRow
                  key={order.id}
                  order={order}
                  href={hrefOf({ page: 'order', orderId: order.id, list })}
                  isChanged={shown.holds.has(order.id) || shown.arrived.has(order.id)}
                  isLeaving={shown.leaving.has(order.id)}
                  isOpened={order.id === opened}
                  showsShop={stores.length > 1}
                />
              ))}
            </tbody>
          </table>
        )}
      </section>
      {feed.problem !== undefined && !isHidden && (
        <FloatingNote>
          <Alert tone="danger">
            {problemText(feed.problem)}{' '}
            {orders === undefined ? 'We keep trying.' : 'This page may be out of date.'}{' '}
            <button type="button" className="link-button" onClick={() => void reload()}>
              Try again
            </button>
          </Alert>
        </FloatingNote>
      )}
      {meta !== undefined && <Pages list={list} total={meta.totalPages} />}
    </div>
  );
}

/** Back finds the list as it was: scrolled as far, and with the focus on the order that was open. */
function useKeptPlace(isHidden: boolean, region: RefObject<HTMLElement | null>): void {
  const place = useRef({ y: 0, focused: null as Element | null, wasHidden: isHidden });
  useLayoutEffect(() => {
    const remember = (): void => {
      if (!isHidden) place.current.y = window.scrollY;
    };
    window.addEventListener('scroll', remember, { passive: true });
    return () => window.removeEventListener('scroll', remember);
  }, [isHidden]);
  useLayoutEffect(() => {
    const { wasHidden, y } = place.current;
    place.current.wasHidden = isHidden;
    if (isHidden) {
      if (!wasHidden) {
        const opened = region.current?.querySelector('tr[data-opened] a.order-link') ?? null;
        place.current.focused = opened;
        window.scrollTo(0, 0);
        place.current.y = y;
      }
      return;
    }
    if (!wasHidden) return;
    window.scrollTo(0, y);
    if (place.current.focused?.isConnected) {
      (place.current.focused as HTMLElement).focus({ preventScroll: true });
    }
  }, [isHidden, region]);
}
