// SPDX-License-Identifier: MIT

import type { Product } from '@ordercast/client';
import { describe, expect, it } from 'vitest';
import { makeOrder } from '../../client/test/fake-environment.ts';
import {
  again,
  type Basket,
  countOf,
  emptyBasket,
  faultsOf,
  hundredths,
  newOrderOf,
  parseBasket,
  totalOf,
  withQuantity,
  withStore,
} from '../src/logic/basket.ts';

const products: Product[] = [
  { id: 'milk', storeId: 'store-1', name: 'Milk', price: '68.00' },
  { id: 'tea', storeId: 'store-1', name: 'Tea', price: '285.50' },
];
const full: Basket = {
  ...emptyBasket,
  storeId: 'store-1',
  quantities: { tea: 2, milk: 1 },
  address: ' 14 Lake Road ',
};

describe('a basket', () => {
  it('counts in hundredths', () => {
    expect(totalOf(full, products)).toBe('639.00');
    expect(countOf(full)).toBe(3);
    expect(hundredths('0.1')).toBe(10);
    expect(hundredths('25.75')).toBe(2575);
    expect(hundredths('1e3')).toBeNull();
    expect(hundredths('-1.00')).toBeNull();
    expect(totalOf(emptyBasket, products)).toBe('0.00');
  });

  it('does not show a sum that leaves something out', () => {
    const odd = [{ id: 'milk', storeId: 'store-1', name: 'Milk', price: 'dear' }];
    expect(totalOf(full, odd)).toBeNull();
  });

  it('holds from none to 99 of a product', () => {
    expect(withQuantity(full, 'milk', 0).quantities).toEqual({ tea: 2 });
    expect(withQuantity(full, 'milk', -1).quantities).toEqual({ tea: 2 });
    expect(withQuantity(full, 'milk', 100).quantities.milk).toBe(99);
  });

  it('is emptied by the way to another shop, not by the same one again', () => {
    expect(withStore(full, 'store-2').quantities).toEqual({});
    expect(withStore(full, 'store-1')).toBe(full);
  });

  it('says what is missing', () => {
    expect(faultsOf(full)).toEqual({});
    expect(faultsOf({ ...full, quantities: {} })).toHaveProperty('items');
    expect(faultsOf({ ...full, address: '  ' })).toHaveProperty('address');
    expect(faultsOf({ ...full, address: '', fulfillmentType: 'PICKUP' })).toEqual({});
    expect(faultsOf({ ...full, address: 'x'.repeat(501) })).toHaveProperty('address');
    expect(faultsOf({ ...full, note: 'x'.repeat(501) })).toHaveProperty('note');
  });

  it('becomes an order, always the same for the same basket', () => {
    const order = {
      storeId: 'store-1',
      items: [
        { productId: 'milk', quantity: 1 },
        { productId: 'tea', quantity: 2 },
      ],
      paymentMethod: 'ONLINE',
      fulfillmentType: 'DELIVERY',
      deliveryAddress: '14 Lake Road',
    };
    expect(newOrderOf(full)).toEqual(order);
    expect(newOrderOf({ ...full, quantities: { milk: 1, tea: 2 } })).toEqual(order);
    expect(newOrderOf({ ...full, note: ' ring ', fulfillmentType: 'PICKUP' })).toEqual({
      storeId: order.storeId,
      items: order.items,
      paymentMethod: 'ONLINE',
      fulfillmentType: 'PICKUP',
      note: 'ring',
    });
    expect(newOrderOf({ ...full, address: '' })).toBeNull();
    expect(newOrderOf({ ...full, storeId: null })).toBeNull();
  });

  it('comes back from storage as it was, and never as nonsense', () => {
    expect(parseBasket(JSON.parse(JSON.stringify(full)))).toEqual(full);
    expect(parseBasket(null)).toBeNull();
    expect(parseBasket({ quantities: [] })).toBeNull();
    expect(parseBasket({ quantities: { milk: '2', tea: 1e9 }, storeId: 7 })).toEqual({
      ...emptyBasket,
      quantities: { tea: 99 },
    });
  });
});

describe('ordering again', () => {
  it('takes what is still sold, and names the rest', () => {
    const order = makeOrder('o-1', 1, {
      fulfillmentType: 'PICKUP',
      deliveryAddress: null,
      items: ['milk', 'ghee', 'milk'].map((productId, index) => ({
        id: `item-${index}`,
        productId,
        name: productId,
        quantity: 2,
        unitPrice: '1.00',
        totalPrice: '2.00',
      })),
    });
    const { basket, missing } = again(order, products);
    expect(basket).toEqual({
      ...emptyBasket,
      storeId: 'store-1',
      quantities: { milk: 4 },
      fulfillmentType: 'PICKUP',
      paymentMethod: 'COD',
    });
    expect(missing).toEqual(['ghee']);
  });
});
