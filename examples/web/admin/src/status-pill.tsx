// SPDX-License-Identifier: MIT

import type { OrderStatus } from '@ordercast/client';
import { statusNames } from '@ordercast/client/format';
import type { ReactNode } from 'react';

export function StatusPill(props: { status: OrderStatus; large?: boolean }): ReactNode {
  return (
    <span className="status" data-status={props.status} data-large={props.large ?? undefined}>
      {statusNames[props.status]}
    </span>
  );
}
