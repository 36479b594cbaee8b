// SPDX-License-Identifier: MIT

import { UnstyledButton } from '@mantine/core';
import type { ConnectionState } from '@ordercast/client';
import { useConnectionState, useOnline, useOrderClient } from '@ordercast/client/react';
import type { ReactNode } from 'react';
import { useNow } from '../use-now.ts';

type Tone = 'live' | 'busy' | 'off';

function describe(state: ConnectionState, online: boolean): { tone: Tone; text: string } {
  if (state.status === 'live') return { tone: 'live', text: 'Live' };
  if (!online) return { tone: 'off', text: 'Offline' };
  switch (state.status) {
    case 'waiting':
      return { tone: 'busy', text: 'Reconnecting' };
    case 'refused':
      return { tone: 'off', text: 'Not signed in' };
    default:
      return { tone: 'busy', text: 'Connecting' };
  }
}

/** Always in sight: whether what is shown is live. */
export function ConnectionPill(): ReactNode {
  const state = useConnectionState();
  const online = useOnline();
  const client = useOrderClient();
  const { tone, text } = describe(state, online);
  const retryAt = online && state.status === 'waiting' ? state.retryAt : null;
  return (
    <div className="connection" data-tone={tone} data-state={state.status}>
      <span className="connection-dot" aria-hidden="true" />
      <span role="status" aria-label="Connection">
        {text}
      </span>
      {retryAt !== null && (
        <>
          <Countdown until={retryAt} />
          <UnstyledButton className="connection-retry" onClick={client.reconnect}>
            Retry now
          </UnstyledButton>
        </>
      )}
    </div>
  );
}

/** Outside of what is announced: a screen reader should not hear each second. */
function Countdown(props: { until: number }): ReactNode {
  const now = useNow(250);
  const seconds = Math.max(0, Math.ceil((props.until - now) / 1000));
  return (
    <span className="connection-count" aria-hidden="true">
      in {seconds} s
    </span>
  );
}
