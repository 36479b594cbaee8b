// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { ago, dateTime } from '@ordercast/client/format';
import { useNow } from '@ordercast/client/react';
import type { ReactNode } from 'react';
import { ageTone } from '../desk/age.ts';
import { useSettings } from '../desk/hooks.ts';

/** How long ago an order was placed, in the colour of its urgency. */
export function Age(props: { order: Order }): ReactNode {
  const { order } = props;
  const now = useNow(10_000);
  const limits = useSettings();
  return (
    <time
      className="age"
      data-age={ageTone(order, now, limits)}
      dateTime={order.createdAt}
      title={dateTime(order.createdAt)}
    >
      {ago(order.createdAt, now)}
    </time>
  );
}
