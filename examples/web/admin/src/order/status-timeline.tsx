// SPDX-License-Identifier: MIT

import { Timeline } from '@mantine/core';
import type { StatusLog } from '@ordercast/client';
import { ago, dateTime, statusName } from '@ordercast/client/format';
import { useNow } from '@ordercast/client/react';
import type { ReactNode } from 'react';

/** The status changes, newest first. */
export function StatusTimeline(props: { logs: readonly StatusLog[] }): ReactNode {
  const now = useNow(30_000);
  const newestFirst = [...props.logs].reverse();
  return (
    <Timeline bulletSize={16} lineWidth={2} active={newestFirst.length} className="timeline">
      {newestFirst.map((log) => (
        <Timeline.Item key={log.id} title={statusName(log.status)} data-status={log.status}>
          <time dateTime={log.createdAt} title={dateTime(log.createdAt)} className="dimmed">
            {ago(log.createdAt, now)}
          </time>
          {log.note !== null && log.note !== '' && <p className="timeline-note">{log.note}</p>}
        </Timeline.Item>
      ))}
    </Timeline>
  );
}
