// SPDX-License-Identifier: MIT

import type { StaffQuery } from '@ordercast/client/staff';
import { type ListRoute, openStatuses } from '../route.ts';

const pageSize = 50;

/** What is still to be done is shown oldest first, what is over newest first. */
export function queryOf(list: ListRoute): StaffQuery {
  const { tab, filters, number } = list;
  const statuses = tab === 'OPEN' ? openStatuses : tab === 'ALL' ? [] : [tab];
  const isOver = tab === 'ALL' || tab === 'DELIVERED' || tab === 'CANCELLED';
  const { dateFrom, dateTo, ...others } = filters;
  return {
    ...others,
    ...(dateFrom ? { dateFrom: instantOf(dateFrom, '00:00:00.000') } : {}),
    ...(dateTo ? { dateTo: instantOf(dateTo, '23:59:59.999') } : {}),
    statuses,
    sortOrder: isOver ? 'desc' : 'asc',
    page: number,
    pageSize,
  };
}

/** A time of a day here: the server would take the day as one of UTC. What is no day goes as it is. */
function instantOf(day: string, time: string): string {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(day) ? new Date(`${day}T${time}`) : null;
  return at === null || Number.isNaN(at.getTime()) ? day : at.toISOString();
}
