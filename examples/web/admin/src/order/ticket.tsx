// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { dateTime, money, paymentText } from '@ordercast/client/format';
import type { ReactNode } from 'react';
import { orderName } from '../desk/step-texts.ts';

/** What a kitchen printer prints on 80 mm of paper; on screens it is not there. */
export function Ticket(props: { order: Order }): ReactNode {
  const { order } = props;
  const pickup = order.fulfillmentType === 'PICKUP';
  return (
    <section className="ticket" aria-hidden="true">
      <p className="ticket-number">{orderName(order)}</p>
      <p>{dateTime(order.createdAt)}</p>
      {order.store?.name && <p>{order.store.name}</p>}
      <table>
        <tbody>
          {order.items.map((item) => (
            <tr key={item.id}>
              <td className="ticket-count">{item.quantity} ×</td>
              <td>{item.name}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {order.note && <p className="ticket-note">{order.note}</p>}
      <p className="ticket-where">
        {pickup ? 'PICK-UP' : 'DELIVERY'}
        {!pickup && order.deliveryAddress && (
          <>
            <br />
            {order.deliveryAddress}
          </>
        )}
      </p>
      <p>
        {order.user?.name} {order.user?.phone}
      </p>
      <p>
        {money(order.totalAmount)} · {paymentText(order)}
      </p>
    </section>
  );
}
