// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import {
  mayOwnerCancel,
  mayPay,
  mayStaffCancel,
  newer,
  nextStatus,
  statusPath,
} from '../src/order-rules.ts';
import { orderStatuses } from '../src/types.ts';
import { parseOrder } from '../src/validate.ts';
import { makeOrder } from './fake-environment.ts';

describe('parseOrder', () => {
  it('takes an order as the server sends it, and leaves out what it does not know', () => {
    const order = makeOrder('o-1', 1, { note: 'ring twice' });
    expect(parseOrder({ ...order, later: 'a field of the future' })).toEqual(order);
  });

  const { version: _, ...withoutVersion } = makeOrder('o-1', 1);
  it.each([
    ['nothing', undefined],
    ['an array', []],
    ['no version', withoutVersion],
    ['a version that is no integer', { ...makeOrder('o-1', 1), version: 1.5 }],
    ['a version beyond 2^53', { ...makeOrder('o-1', 1), version: 2 ** 53 }],
    ['an unknown status', { ...makeOrder('o-1', 1), status: 'LOST' }],
    ['a status of the prototype', { ...makeOrder('o-1', 1), status: 'constructor' }],
    ['money as a number', { ...makeOrder('o-1', 1), totalAmount: 136 }],
    ['items that are none', { ...makeOrder('o-1', 1), items: [{ id: 'x' }] }],
    ['logs that are no list', { ...makeOrder('o-1', 1), statusLogs: {} }],
    ['a note that is no text', { ...makeOrder('o-1', 1), note: 7 }],
  ])('refuses %s', (_name, value) => {
    expect(parseOrder(value)).toBeNull();
  });
});

describe('the rules', () => {
  it('lead each kind of order along its path', () => {
    expect(statusPath('DELIVERY')).toEqual([
      'PENDING',
      'CONFIRMED',
      'PREPARING',
      'READY',
      'OUT_FOR_DELIVERY',
      'DELIVERED',
    ]);
    expect(statusPath('PICKUP')).toEqual([
      'PENDING',
      'CONFIRMED',
      'PREPARING',
      'READY',
      'DELIVERED',
    ]);
    expect(nextStatus({ status: 'CANCELLED', fulfillmentType: 'PICKUP' })).toBeNull();
  });

  it('say who may cancel when', () => {
    const allowed = (may: typeof mayStaffCancel) =>
      orderStatuses.filter((status) => may({ status }));
    expect(allowed(mayStaffCancel)).toEqual([
      'PENDING',
      'CONFIRMED',
      'PREPARING',
      'READY',
      'OUT_FOR_DELIVERY',
    ]);
    expect(allowed(mayOwnerCancel)).toEqual(['PENDING', 'CONFIRMED']);
  });

  it('offer payment for what is to be paid online', () => {
    const online = makeOrder('o-1', 1, { paymentMethod: 'ONLINE' });
    expect(mayPay(online)).toBe(true);
    expect(mayPay({ ...online, paymentStatus: 'FAILED' })).toBe(true);
    expect(mayPay({ ...online, paymentStatus: 'PAID' })).toBe(false);
    expect(mayPay({ ...online, status: 'CANCELLED' })).toBe(false);
    expect(mayPay({ ...online, paymentMethod: 'COD' })).toBe(false);
  });

  it('keep the newer of two states', () => {
    const [first, second] = [makeOrder('o-1', 1), makeOrder('o-1', 2)];
    expect(newer(undefined, first)).toBe(first);
    expect(newer(first, second)).toBe(second);
    expect(newer(second, first)).toBe(second);
  });
});
