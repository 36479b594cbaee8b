// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { itemsText, money, paymentText } from '@ordercast/client/format';
import { memo, type ReactNode } from 'react';
import { useStep, useUnseen } from '../desk/hooks.ts';
import { orderLabel, orderName } from '../desk/step-texts.ts';
import { BagIcon, TruckIcon } from '../icons.tsx';
import { StatusPill } from '../status-pill.tsx';
import { Age } from './age.tsx';
import { StepControl } from './step-control.tsx';

export interface OrderRowProps {
  readonly order: Order;
  readonly href: string;
  /** It has just come or changed. */
  readonly isChanged: boolean;
  /** The order no longer belongs to the list; the row leaves once pointer and focus are elsewhere. */
  readonly isLeaving: boolean;
  readonly isOpened: boolean;
  readonly showsShop: boolean;
}

export const OrderRow = memo(function OrderRow(props: OrderRowProps): ReactNode {
  const { order, href, isChanged, isLeaving, isOpened, showsShop } = props;
  const state = useStep(order.id);
  const isNew = useUnseen().has(order.id);
  const isUnsent = state?.phase === 'waiting' || state?.phase === 'sending';
  const label = showsShop ? orderLabel(order) : undefined;
  const pickup = order.fulfillmentType === 'PICKUP';
  return (
    // The keyboard uses the link in the first cell; the mouse can click anywhere in the row.
    <tr
      data-order-id={order.id}
      data-status={order.status}
      // Alternates, so that a second change is highlighted anew.
      data-changed={isChanged ? (order.version % 2 === 0 ? 'even' : 'odd') : undefined}
      data-leaving={isLeaving || undefined}
      data-new={isNew || undefined}
      data-opened={isOpened || undefined}
      onClick={(event) => {
        if ((event.target as Element).closest('a, button, .alert')) return;
        if (String(getSelection()) !== '') return; // The user selects a phone number to copy it.
        if (event.ctrlKey || event.metaKey) window.open(href, '_blank', 'noopener');
        else location.hash = href;
      }}
    >
      <th scope="row" className="col-order">
        <a href={href} className="order-link" aria-label={label}>
          {orderName(order)}
        </a>
        {isNew && <span className="new-mark">New</span>}
        <Age order={order} />
      </th>
      <td className="col-status">
        <StatusPill status={isUnsent ? state.step.status : order.status} isUnsent={isUnsent} />
      </td>
      <td className="col-customer">
        <span className="strong">{order.user?.name ?? order.userId}</span>
        {order.user?.phone && (
          <a className="phone" href={`tel:${order.user.phone.replaceAll(' ', '')}`}>
            {order.user.phone}
          </a>
        )}
        {order.deliveryAddress && !pickup && (
          <span className="dimmed small address">{order.deliveryAddress}</span>
        )}
      </td>
      <td className="col-items">
        <span className="kind">
          {pickup ? <BagIcon size={16} /> : <TruckIcon size={16} />}
          <span className="sr-only">{pickup ? 'Pick-up: ' : 'Delivery: '}</span>
        </span>
        <span className="items-text">{itemsText(order)}</span>
        {order.note && <span className="note">{order.note}</span>}
        {showsShop && order.store?.name && (
          <span className="dimmed small shop">{order.store.name}</span>
        )}
      </td>
      <td className="col-total">
        <span className="strong">{money(order.totalAmount)}</span>
        <span className="small payment" data-payment={order.paymentStatus}>
          {paymentText(order)}
        </span>
      </td>
      <td className="col-action">
        <StepControl order={order} name={label ?? orderName(order)} />
      </td>
    </tr>
  );
});
