// SPDX-License-Identifier: MIT

import { statusName } from '@ordercast/client/format';
import type { ReactNode } from 'react';

export function StatusPill(props: { status: string; large?: boolean }): ReactNode {
  return (
    <span className="status" data-status={props.status} data-large={props.large ?? undefined}>
      {statusName(props.status)}
    </span>
  );
}
