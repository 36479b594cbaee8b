// SPDX-License-Identifier: MIT

import { statusName } from '@ordercast/client/format';
import type { ReactNode } from 'react';

/** A status in its colour; `isUnsent`: chosen here, but the server does not know yet. */
export function StatusPill(props: {
  status: string;
  large?: boolean;
  isUnsent?: boolean;
}): ReactNode {
  return (
    <span
      className="status"
      data-status={props.status}
      data-large={props.large ?? undefined}
      data-unsent={props.isUnsent || undefined}
    >
      {statusName(props.status)}
      {props.isUnsent && <span className="sr-only"> (not sent yet)</span>}
    </span>
  );
}
