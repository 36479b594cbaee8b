// SPDX-License-Identifier: MIT

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ago, dateTime, money, statusName } from '../src/format.ts';
import {
  mayOwnerCancel,
  mayPay,
  mayStaffCancel,
  newer,
  nextStatus,
  statusPath,
} from '../src/order-rules.ts';
import { type Order, type OrderStatus, orderStatuses } from '../src/types.ts';
import { parseOrder } from '../src/validate.ts';
import { makeOrder } from './fake-environment.ts';

describe('parseOrder', () => {
  it('takes an order as the server sends it, and leaves out what it does not know', () => {
    const order = makeOrder('o-1', 1, { note: 'ring twice' });
    expect(parseOrder({ ...order, later: 'a field of the future' })).toEqual(order);
  });

  const secondEdition = {
    number: 1042,
    user: { id: 'u-1', name: 'Asha', email: 'asha@example.org', phone: null },
    store: { id: 's-1', name: 'Corner Shop', phone: '+91 2' },
    refundStatus: 'DUE',
    estimatedReadyAt: '2026-05-01T12:30:00.000Z',
  };

  it('takes what the second edition adds, and does without it', () => {
    const order = makeOrder('o-1', 1, {
      statusLogs: [
        { id: 'l-1', status: 'PENDING', note: null, createdAt: 'then', actorRole: 'CUSTOMER' },
        { id: 'l-2', status: 'CONFIRMED', note: null, createdAt: 'now', actorRole: null },
      ],
    });
    const items = order.items.map((item) => ({
      ...item,
      product: { id: item.productId, name: item.name },
    }));
    expect(parseOrder({ ...order, items, ...secondEdition })).toEqual({
      ...order,
      items,
      ...secondEdition,
    });
    expect(parseOrder({ ...order, refundStatus: null, estimatedReadyAt: null })).toEqual({
      ...order,
      refundStatus: null,
      estimatedReadyAt: null,
    });
  });

  it('leaves out of the second edition what it cannot read', () => {
    const odd = { number: '1042', user: 'Asha', store: { name: 'no id' }, refundStatus: 7 };
    expect(parseOrder({ ...makeOrder('o-1', 1), ...odd })).toEqual({
      ...makeOrder('o-1', 1),
      refundStatus: null,
    });
  });

  const { version: _, ...withoutVersion } = makeOrder('o-1', 1);
  it.each([
    ['nothing', undefined],
    ['an array', []],
    ['no version', withoutVersion],
    ['a version that is no integer', { ...makeOrder('o-1', 1), version: 1.5 }],
    ['a version beyond 2^53', { ...makeOrder('o-1', 1), version: 2 ** 53 }],
    ['a status that is no text', { ...makeOrder('o-1', 1), status: 7 }],
    ['an id that is none', { ...makeOrder('o-1', 1), id: '' }],
  ])('refuses %s', (_name, value) => {
    expect(parseOrder(value)).toBeNull();
  });

  it.each([
    ['status', 'ON_HOLD'],
    ['status', 'constructor'],
    ['paymentStatus', 'DISPUTED'],
    ['paymentMethod', 'WALLET'],
    ['fulfillmentType', 'DRONE'],
  ])('keeps a %s of the future, for which nothing is offered', (name, value) => {
    const order = parseOrder({ ...makeOrder('o-1', 1), [name]: value });
    expect(order).toEqual({ ...makeOrder('o-1', 1), [name]: value });
    expect(statusName('ON_HOLD')).toBe('On hold');
    expect(statusName('constructor')).toBe('Constructor');
    if (order === null || name !== 'status') return;
    expect(nextStatus(order)).toBeNull();
    expect(mayStaffCancel(order)).toBe(false);
    expect(mayOwnerCancel(order)).toBe(false);
    expect(mayPay({ ...order, paymentMethod: 'ONLINE' })).toBe(false);
  });

  it.each([
    ['money as a number', { totalAmount: 136 }, { totalAmount: '' }],
    ['items that are none', { items: [{ id: 'x' }] }, { items: [] }],
    ['logs that are no list', { statusLogs: {} }, { statusLogs: [] }],
    ['a note that is no text', { note: 7 }, { note: null }],
    ['an address with fields', { deliveryAddress: { city: 'Pune' } }, { deliveryAddress: null }],
    ['no date', { createdAt: undefined }, { createdAt: '' }],
  ])('shows what it can of an order with %s, and says that it is not all', (_name, odd, read) => {
    const order = parseOrder({ ...makeOrder('o-1', 1), ...odd });
    expect(order).toEqual({ ...makeOrder('o-1', 1), ...read, isIncomplete: true });
    expect(money('')).toBe('—');
    expect(dateTime('')).toBe('—');
    expect(ago('', 0)).toBe('—');
  });
});

describe('the rules', () => {
  /** The server's tests run the same file. */
  interface Rules {
    paths: Record<Order['fulfillmentType'], OrderStatus[]>;
    steps: {
      fulfillmentType: Order['fulfillmentType'];
      status: OrderStatus;
      staff: OrderStatus[];
      ownerCancels: boolean;
    }[];
  }
  const rules = JSON.parse(
    readFileSync(new URL('../../../../tests/vectors/order_rules.json', import.meta.url), 'utf8'),
  ) as Rules;

  it('know each status of each kind', () => {
    expect(rules.steps).toHaveLength(2 * orderStatuses.length);
    for (const type of ['DELIVERY', 'PICKUP'] as const) {
      expect(statusPath(type)).toEqual(rules.paths[type]);
    }
  });

  it.each(rules.steps)('offer what the server takes: $fulfillmentType $status', (row) => {
    const forward = row.staff.find((status) => status !== 'CANCELLED') ?? null;
    expect(nextStatus(row)).toBe(forward);
    expect(mayStaffCancel(row)).toBe(row.staff.includes('CANCELLED'));
    expect(mayOwnerCancel(row)).toBe(row.ownerCancels);
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
