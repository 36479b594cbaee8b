// SPDX-License-Identifier: MIT

import { Button } from '@mantine/core';
import { nextStatus, type Order, problemText } from '@ordercast/client';
import {
  ago,
  dateTime,
  itemsText,
  money,
  paymentText,
  shortId,
  stepNames,
} from '@ordercast/client/format';
import { useNow } from '@ordercast/client/react';
import type { ReactNode } from 'react';
import { BagIcon, TruckIcon } from '../icons.tsx';
import { go, hrefOf } from '../route.ts';
import { useAnnounce } from '../shell/announcer.tsx';
import { StatusPill } from '../status-pill.tsx';
import { useStatusChange } from '../use-status-change.ts';

export function OrderRow(props: {
  order: Order;
  changed: boolean;
  onChanged: (order: Order) => void;
}): ReactNode {
  const { order, changed, onChanged } = props;
  const now = useNow(30_000);
  const announce = useAnnounce();
  const next = nextStatus(order);
  const change = useStatusChange(order.id, onChanged, (problem) => announce(problemText(problem)));
  const route = { page: 'order', orderId: order.id } as const;
  const pickup = order.fulfillmentType === 'PICKUP';

  return (
    // The keyboard uses the link in the first cell; the mouse can click anywhere in the row.
    <tr
      data-order-id={order.id}
      data-changed={changed || undefined}
      onClick={(event) => {
        if (!(event.target as Element).closest('a, button')) go(route);
      }}
    >
      <th scope="row" className="col-order">
        <a href={hrefOf(route)}>{shortId(order.id)}</a>
        <time dateTime={order.createdAt} title={dateTime(order.createdAt)} className="dimmed">
          {ago(order.createdAt, now)}
        </time>
      </th>
      <td className="col-status">
        <StatusPill status={order.status} />
      </td>
      <td className="col-items">
        <span className="kind" title={pickup ? 'Pick-up' : 'Delivery'}>
          {pickup ? <BagIcon size={16} /> : <TruckIcon size={16} />}
          <span className="sr-only">{pickup ? 'Pick-up: ' : 'Delivery: '}</span>
        </span>
        <span className="items-text">{itemsText(order)}</span>
      </td>
      <td className="col-payment" data-payment={order.paymentStatus}>
        {paymentText(order)}
      </td>
      <td className="col-total">{money(order.totalAmount)}</td>
      <td className="col-action">
        {next !== null && (
          <Button
            size="compact-sm"
            variant="default"
            loading={change.busy}
            onClick={() => void change.run(next)}
            aria-label={`${stepNames[next]} ${shortId(order.id)}`}
          >
            {stepNames[next]}
          </Button>
        )}
        {change.problem !== undefined && (
          <span className="row-problem">{problemText(change.problem)}</span>
        )}
      </td>
    </tr>
  );
}
