// SPDX-License-Identifier: MIT

import { connectionText, secondsUntil } from '@ordercast/client/format';
import { useConnectionState, useNow, useOnline, useOrderClient } from '@ordercast/client/react';
import type { ReactNode } from 'react';

/** Always visible: says whether the page is live. */
export function ConnectionPill(): ReactNode {
  const state = useConnectionState();
  const online = useOnline();
  const client = useOrderClient();
  const { tone, text, retryAt } = connectionText(state, online);
  return (
    <div className="connection" data-tone={tone} data-state={state.status}>
      <span className="connection-dot" aria-hidden="true" />
      <span role="status" aria-label="Connection">
        {text}
      </span>
      {retryAt !== null && (
        <>
          <Countdown until={retryAt} />
          <button type="button" className="connection-retry" onClick={client.reconnect}>
            Retry now
          </button>
        </>
      )}
    </div>
  );
}

/** Outside the live region: a screen reader should not announce every second. */
function Countdown(props: { until: number }): ReactNode {
  const client = useOrderClient();
  const now = useNow(250, client.now);
  const seconds = secondsUntil(props.until, now);
  return (
    <span className="connection-count" aria-hidden="true">
      in {seconds} s
    </span>
  );
}
