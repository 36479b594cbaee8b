// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { makeOrder } from '../../client/test/fake-environment.ts';
import { cancelText, refundText } from '../src/order/refund-texts.ts';

describe('money that is owed', () => {
  const paid = { status: 'CANCELLED', paymentStatus: 'PAID' } as const;
  it('is given back by hand where no provider does it', () => {
    expect(refundText(makeOrder('o', 2, paid))).toBe('Give the money back by hand');
  });
  it('is told of as its refund is', () => {
    expect(refundText(makeOrder('o', 2, { ...paid, refundStatus: 'DUE' }))).toBe(
      'The money is to go back',
    );
  });
  it('is none while the order goes on, and none without a payment', () => {
    expect(refundText(makeOrder('o', 2, { ...paid, status: 'READY' }))).toBeNull();
    expect(refundText(makeOrder('o', 2, { ...paid, paymentStatus: 'PENDING' }))).toBeNull();
  });
});

describe('the question before an order is cancelled', () => {
  const ask = (fields: Parameters<typeof makeOrder>[2]) => cancelText(makeOrder('o', 2, fields));
  it('promises only what comes by itself', () => {
    expect(ask({ paymentStatus: 'PAID', paymentMethod: 'ONLINE' })).toBe('₹136.00 will go back.');
    expect(ask({ paymentStatus: 'PAID', paymentMethod: 'COD' })).toBe('Give ₹136.00 back by hand.');
    expect(ask({ paymentStatus: 'PENDING', paymentMethod: 'ONLINE' })).toBeNull();
  });
});
