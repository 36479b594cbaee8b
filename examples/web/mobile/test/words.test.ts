// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { money } from '@ordercast/client/format';
import { describe, expect, it } from 'vitest';
import { makeOrder } from '../../client/test/fake-environment.ts';
import {
  ageWords,
  cancelOutlook,
  estimateWords,
  isOpen,
  noteAuthor,
  orderName,
  paymentWords,
  placeWords,
  refundWords,
  statusWords,
  stepWords,
} from '../src/logic/words.ts';

const sum = money('1848.00');
const paid: Partial<Order> = {
  totalAmount: '1848.00',
  paymentMethod: 'ONLINE',
  paymentStatus: 'PAID',
  status: 'CONFIRMED',
};

describe('statusWords', () => {
  it.each([
    [{}, 'Waiting for the shop to confirm'],
    [{ paymentMethod: 'ONLINE' }, 'Waiting for your payment'],
    [{ paymentMethod: 'ONLINE', paymentStatus: 'PAID' }, 'Waiting for the shop to confirm'],
    [{ status: 'CONFIRMED' }, 'Your order is confirmed'],
    [{ status: 'PREPARING' }, 'The shop is packing your order'],
    [{ status: 'READY' }, 'Packed and waiting for a rider'],
    [{ status: 'READY', fulfillmentType: 'PICKUP' }, 'Ready for you at the shop'],
    [{ status: 'OUT_FOR_DELIVERY' }, 'Your order is on its way'],
    [{ status: 'DELIVERED' }, 'Your order was delivered'],
    [{ status: 'DELIVERED', fulfillmentType: 'PICKUP' }, 'You have picked up your order'],
    [{ status: 'CANCELLED' }, 'Your order was cancelled'],
    [{ status: 'ON_HOLD' }, 'On hold'],
  ] as const)('says of %j: %s', (fields, words) => {
    expect(statusWords(makeOrder('o-1', 1, fields))).toBe(words);
  });

  it('names the shop where the order waits', () => {
    const store = { id: 's-1', name: 'Corner Shop', phone: null };
    const order = makeOrder('o-1', 1, { status: 'READY', fulfillmentType: 'PICKUP', store });
    expect(statusWords(order)).toBe('Ready for you at Corner Shop');
    expect(placeWords(order)).toBe('Pick up at Corner Shop');
  });
});

describe('stepWords', () => {
  it('tells pick-ups from deliveries, and names what it does not know', () => {
    expect(stepWords('READY', 'PICKUP')).toBe('Ready to pick up');
    expect(stepWords('READY', 'DELIVERY')).toBe('Packed');
    expect(stepWords('ON_HOLD', 'DELIVERY')).toBe('On hold');
  });
});

describe('estimateWords', () => {
  const at = '2026-05-01T12:30:00.000Z';
  const now = Date.parse('2026-05-01T12:00:00.000Z');
  const order = makeOrder('o-1', 1, { status: 'PREPARING', estimatedReadyAt: at });

  it('says when, and in how many minutes', () => {
    expect(estimateWords(order, now)).toMatch(/^Ready at .+, in about 30 minutes$/);
    expect(estimateWords(order, Date.parse(at))).toMatch(/any moment now$/);
    expect(estimateWords(order, Date.parse(at) + 5 * 60_000)).toMatch(/^Expected at .+ longer$/);
    expect(estimateWords(order, now - 86_400_000)).toMatch(/^Ready by /);
  });

  it('says nothing where the shop has not, nor once the order is ready', () => {
    expect(estimateWords({ status: 'PREPARING', estimatedReadyAt: null }, now)).toBeNull();
    expect(estimateWords({ status: 'PREPARING' }, now)).toBeNull();
    expect(estimateWords({ status: 'PREPARING', estimatedReadyAt: 'soon' }, now)).toBeNull();
    expect(estimateWords({ status: 'READY', estimatedReadyAt: at }, now)).toBeNull();
    expect(estimateWords({ status: 'CANCELLED', estimatedReadyAt: at }, now)).toBeNull();
  });
});

describe('the money', () => {
  it('before a cancellation', () => {
    expect(cancelOutlook(makeOrder('o-1', 1, paid))).toBe(`You get ${sum} back.`);
    expect(cancelOutlook(makeOrder('o-1', 1))).toMatch(/paid nothing/);
    expect(cancelOutlook(makeOrder('o-1', 1, { ...paid, paymentMethod: 'COD' }))).toMatch(/shop/);
    expect(cancelOutlook(makeOrder('o-1', 1, { paymentStatus: 'FAILED' }))).toMatch(/nothing/);
  });

  const cancelled = (fields: Partial<Order>) =>
    refundWords(makeOrder('o-1', 1, { ...paid, status: 'CANCELLED', ...fields }));

  it('after a cancellation', () => {
    expect(cancelled({ refundStatus: 'DUE' })?.text).toBe(`You get ${sum} back: it is on its way.`);
    expect(cancelled({ refundStatus: 'REQUESTED' })?.tone).toBe('busy');
    expect(cancelled({ refundStatus: 'DONE', paymentStatus: 'REFUNDED' })).toEqual({
      text: `You got ${sum} back.`,
      tone: 'done',
    });
    expect(cancelled({ refundStatus: 'FAILED' })?.tone).toBe('off');
    expect(cancelled({ refundStatus: null })?.text).toMatch(/^The shop owes you/);
    expect(cancelled({ refundStatus: null, paymentStatus: 'PENDING' })).toBeNull();
  });

  it('says whom to ask', () => {
    const store = { id: 's-1', name: 'Corner Shop', phone: '+91 2' };
    expect(cancelled({ refundStatus: 'FAILED', store })?.text).toMatch(/Corner Shop on \+91 2\.$/);
  });

  it('says nothing of an order that goes on', () => {
    expect(refundWords(makeOrder('o-1', 1, paid))).toBeNull();
  });

  it('says how it is paid', () => {
    expect(paymentWords(makeOrder('o-1', 1, paid))).toBe('Paid online');
    expect(paymentWords(makeOrder('o-1', 1))).toBe('Pay in cash at the door');
    expect(paymentWords(makeOrder('o-1', 1, { fulfillmentType: 'PICKUP' }))).toMatch(/shop$/);
    expect(paymentWords(makeOrder('o-1', 1, { status: 'CANCELLED' }))).toBe('Nothing was paid');
    expect(paymentWords(makeOrder('o-1', 1, { paymentStatus: 'ON_TRIAL' }))).toBe('On trial');
  });
});

it('names an order by its number, or by its id where there is none', () => {
  expect(orderName(makeOrder('5b0c1234-5', 1, { number: 1042 }))).toBe('#1042');
  expect(orderName(makeOrder('5b0c1234-5', 1))).toBe('#5b0c1234');
});

it('follows an order until its money is back', () => {
  expect(isOpen({ status: 'PREPARING' })).toBe(true);
  expect(isOpen({ status: 'DELIVERED' })).toBe(false);
  expect(isOpen({ status: 'CANCELLED', refundStatus: 'REQUESTED' })).toBe(true);
});

it('says who left a note, and how old something is', () => {
  expect(noteAuthor('CUSTOMER')).toBeNull();
  expect(noteAuthor('RIDER')).toBe('Rider');
  expect(noteAuthor('STORE_MANAGER')).toBe('Shop');
  expect(noteAuthor(null)).toBe('Shop');
  const now = new Date(2026, 4, 1, 12).getTime();
  expect(ageWords(now - 60_000, now)).toMatch(/^This is how it was at /);
  expect(ageWords(now - 2 * 86_400_000, now)).toMatch(/^This is how it was on /);
});
