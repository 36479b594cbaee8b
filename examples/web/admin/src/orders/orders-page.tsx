// SPDX-License-Identifier: MIT

import { Alert, Button, Pagination, Skeleton, Title } from '@mantine/core';
import { type Order, type OrderStatus, orderStatuses, problemText } from '@ordercast/client';
import { shortId, statusName, statusNames } from '@ordercast/client/format';
import { useOrderList } from '@ordercast/client/react';
import { type ReactNode, useCallback, useEffect } from 'react';
import { WarningIcon } from '../icons.tsx';
import { go, hrefOf } from '../route.ts';
import { api } from '../services.ts';
import { useAnnounce } from '../shell/announcer.tsx';
import { TableHead } from '../table-head.tsx';
import { OrderRow } from './order-row.tsx';

const pageSize = 20;
const orderColumns = {
  Order: '',
  Status: '',
  Items: 'col-items',
  Payment: 'col-payment',
  Total: 'col-total',
  Next: 'col-action',
};
const listOrders: typeof api.listOrders = (query) => api.listOrders(query);

export function OrdersPage(props: { status: OrderStatus | null; number: number }): ReactNode {
  const { status, number } = props;
  const announce = useAnnounce();
  const onChange = useCallback(
    (order: Order) => announce(`Order ${shortId(order.id)}: ${statusName(order.status)}`),
    [announce],
  );
  const list = useOrderList({
    list: listOrders,
    query: { status, page: number, pageSize },
    onChange,
  });
  useEffect(() => {
    document.title = 'Orders · ordercast';
  }, []);
  const { orders, meta } = list;
  const first = meta === undefined ? 0 : (meta.page - 1) * meta.pageSize + 1;

  return (
    <>
      <div className="page-head">
        <Title order={1} size="h2">
          Orders
        </Title>
        {meta !== undefined && (
          <span className="dimmed">
            {orders?.length
              ? `${first}–${first + orders.length - 1} of ${meta.total}`
              : 'None to show'}
          </span>
        )}
      </div>
      <nav className="filters" aria-label="Filter by status">
        <FilterLink status={null} current={status} />
        {orderStatuses.map((entry) => (
          <FilterLink key={entry} status={entry} current={status} />
        ))}
      </nav>
      {list.unreadable > 0 && (
        <Alert color="yellow" icon={<WarningIcon />} mb="md" role="status">
          {list.unreadable === 1 ? 'One entry' : `${list.unreadable} entries`} can’t be read and{' '}
          {list.unreadable === 1 ? 'is' : 'are'} not shown. Reload the page for its newest version.
        </Alert>
      )}
      {list.problem !== undefined && (
        <Alert color="red" icon={<WarningIcon />} className="problem" mb="md" role="alert">
          {problemText(list.problem)} This page may be out of date.{' '}
          <Button variant="subtle" size="compact-sm" color="red" onClick={() => void list.reload()}>
            Try again
          </Button>
        </Alert>
      )}
      <section className="panel" aria-label="Orders">
        {orders === undefined && list.problem === undefined && <Loading />}
        {orders?.length === 0 && (
          <p className="empty">
            {status === null
              ? 'No orders yet. New orders appear here at once.'
              : `No order is ${statusNames[status].toLowerCase()} right now.`}
          </p>
        )}
        {orders !== undefined && orders.length > 0 && (
          <table className="orders">
            <TableHead columns={orderColumns} />
            <tbody>
              {orders.map((order) => (
                <OrderRow
                  // A new key restarts the highlight.
                  key={`${order.id} ${list.changed.get(order.id) ?? ''}`}
                  order={order}
                  changed={list.changed.get(order.id) === order.version}
                  onChanged={list.offer}
                />
              ))}
            </tbody>
          </table>
        )}
      </section>
      {meta !== undefined && meta.totalPages > 1 && (
        <Pagination
          className="pages"
          total={meta.totalPages}
          value={Math.min(number, meta.totalPages)}
          onChange={(page) => go({ page: 'orders', status, number: page })}
          getItemProps={(page) => ({ 'aria-label': `Page ${page}` })}
          getControlProps={(control) => ({ 'aria-label': `${control} page` })}
        />
      )}
    </>
  );
}

function FilterLink(props: { status: OrderStatus | null; current: OrderStatus | null }): ReactNode {
  const { status, current } = props;
  return (
    <a
      className="filter"
      href={hrefOf({ page: 'orders', status, number: 1 })}
      aria-current={status === current ? 'page' : undefined}
    >
      {status === null ? 'All' : statusNames[status]}
    </a>
  );
}

function Loading(): ReactNode {
  const rows = Array.from({ length: Math.min(8, pageSize) }, (_, index) => index);
  return (
    <div className="loading" role="status" aria-label="Loading">
      {rows.map((row) => (
        <Skeleton key={row} height={22} radius="sm" />
      ))}
    </div>
  );
}
