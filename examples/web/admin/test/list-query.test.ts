// SPDX-License-Identifier: MIT

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { queryOf } from '../src/orders/list-query.ts';
import { firstList, hrefOf } from '../src/route.ts';

const before = process.env.TZ;
beforeEach(() => {
  process.env.TZ = 'Asia/Kolkata';
});
afterEach(() => {
  if (before === undefined) delete process.env.TZ;
  else process.env.TZ = before;
});

const listOf = (dateFrom: string, dateTo: string) => ({
  ...firstList,
  filters: { storeId: 's-1', dateFrom, dateTo },
});

describe('the days of a list', () => {
  it('are days here, asked for as instants', () => {
    expect(queryOf(listOf('2026-03-05', '2026-03-05'))).toMatchObject({
      storeId: 's-1',
      dateFrom: '2026-03-04T18:30:00.000Z',
      dateTo: '2026-03-05T18:29:59.999Z',
    });
  });

  it('end where the clocks change', () => {
    process.env.TZ = 'Europe/Berlin';
    expect(queryOf(listOf('2026-03-29', '2026-03-29'))).toMatchObject({
      dateFrom: '2026-03-28T23:00:00.000Z',
      dateTo: '2026-03-29T21:59:59.999Z',
    });
  });

  it('stay plain days in the link', () => {
    expect(hrefOf({ page: 'orders', list: listOf('2026-03-05', '2026-03-06') })).toContain(
      'dateFrom=2026-03-05&dateTo=2026-03-06',
    );
  });

  it('go to the server as they are where they are none, which then says so', () => {
    expect(queryOf(listOf('soon', '2026-13-45'))).toMatchObject({
      dateFrom: 'soon',
      dateTo: '2026-13-45',
    });
  });

  it('are left out where none is chosen', () => {
    expect(Object.keys(queryOf(firstList))).not.toContain('dateFrom');
  });
});
