// SPDX-License-Identifier: MIT

import type { StatusLog } from '@ordercast/client';
import { expect, it } from 'vitest';
import { makeOrder } from '../../client/test/fake-environment.ts';
import { stepsOf } from '../src/logic/steps.ts';

const log = (id: string, status: string, more: Partial<StatusLog> = {}): StatusLog => ({
  id,
  status,
  note: null,
  createdAt: `at ${id}`,
  actorRole: 'STAFF',
  ...more,
});
const texts = (steps: ReturnType<typeof stepsOf>) => steps.map(({ text }) => text);

it('shows what has happened and what comes', () => {
  const steps = stepsOf(
    makeOrder('o-1', 2, {
      status: 'CONFIRMED',
      fulfillmentType: 'PICKUP',
      statusLogs: [log('1', 'PENDING'), log('2', 'CONFIRMED', { note: 'Ten minutes' })],
    }),
  );
  expect(texts(steps)).toEqual([
    'Ordered',
    'Confirmed',
    'Being packed',
    'Ready to pick up',
    'Picked up',
  ]);
  expect(steps[1]).toMatchObject({ detail: 'Shop: Ten minutes', at: 'at 2' });
  expect(steps[2]?.at).toBeNull();
});

it('says what happened while the state stayed the same', () => {
  const steps = stepsOf(
    makeOrder('o-1', 4, {
      status: 'CANCELLED',
      statusLogs: [
        log('1', 'PENDING', { actorRole: 'CUSTOMER' }),
        log('2', 'CANCELLED', { actorRole: 'CUSTOMER', note: 'Cancelled by the customer' }),
        log('3', 'CANCELLED', { actorRole: 'PROVIDER', note: 'The payment was refunded' }),
      ],
    }),
  );
  expect(texts(steps)).toEqual(['Ordered', 'Cancelled', 'The payment was refunded']);
  expect(steps.map(({ detail }) => detail)).toEqual([null, 'Cancelled by the customer', null]);
  expect(steps.map(({ isBad }) => isBad)).toEqual([false, true, false]);
});

it('shows a state that it does not know, and guesses nothing after it', () => {
  const statusLogs = [log('1', 'PENDING'), log('2', 'ON_HOLD')];
  const steps = stepsOf(makeOrder('o-1', 2, { status: 'ON_HOLD', statusLogs }));
  expect(texts(steps)).toEqual(['Ordered', 'On hold']);
});
