// SPDX-License-Identifier: MIT

import type { FulfillmentType, NewOrder, Order, PaymentMethod, Product } from '@ordercast/client';
import { asObject } from '@ordercast/client';

/** What a customer is putting together. Money is counted in hundredths, never as a fraction. */
export interface Basket {
  readonly storeId: string | null;
  readonly quantities: Readonly<Record<string, number>>;
  readonly fulfillmentType: FulfillmentType;
  readonly address: string;
  readonly note: string;
  readonly paymentMethod: PaymentMethod;
}

export const emptyBasket: Basket = {
  storeId: null,
  quantities: {},
  fulfillmentType: 'DELIVERY',
  address: '',
  note: '',
  paymentMethod: 'ONLINE',
};

/** The server's limits. */
export const longestAddress = 500;
export const longestNote = 500;
export const mostOfOne = 99;

/** Goes to another shop: its products are others. */
export function withStore(basket: Basket, storeId: string): Basket {
  return basket.storeId === storeId ? basket : { ...basket, storeId, quantities: {} };
}

export function withQuantity(basket: Basket, productId: string, quantity: number): Basket {
  const { [productId]: _, ...others } = basket.quantities;
  const bounded = Math.min(mostOfOne, Math.max(0, Math.trunc(quantity)));
  return { ...basket, quantities: bounded === 0 ? others : { ...others, [productId]: bounded } };
}

/** "123.40" in hundredths; null if that is not a price. */
export function hundredths(price: string): number | null {
  const match = /^(\d{1,12})(?:\.(\d{1,2}))?$/.exec(price);
  if (match === null) return null;
  return Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'));
}

/** The sum as the server writes it, "123.40"; null if a price can't be read. */
export function totalOf(basket: Basket, products: readonly Product[]): string | null {
  let sum = 0;
  for (const { id, price } of products) {
    const quantity = basket.quantities[id] ?? 0;
    if (quantity === 0) continue;
    const each = hundredths(price);
    if (each === null) return null;
    sum += each * quantity;
  }
  return `${Math.floor(sum / 100)}.${String(sum % 100).padStart(2, '0')}`;
}

export function countOf(basket: Basket): number {
  return Object.values(basket.quantities).reduce((sum, quantity) => sum + quantity, 0);
}

/** What stops the basket from being ordered, by field: sentences for people. Empty: nothing. */
export interface BasketFaults {
  readonly items?: string;
  readonly address?: string;
  readonly note?: string;
}

export function faultsOf(basket: Basket): BasketFaults {
  const address = basket.address.trim();
  return {
    ...(countOf(basket) === 0 && { items: 'Choose at least one product.' }),
    ...(basket.fulfillmentType === 'DELIVERY' &&
      address === '' && { address: 'Say where the order goes.' }),
    ...(address.length > longestAddress && {
      address: `The address may have ${longestAddress} characters at most.`,
    }),
    ...(basket.note.trim().length > longestNote && {
      note: `The note may have ${longestNote} characters at most.`,
    }),
  };
}

/** What is sent; null while something is missing. */
export function newOrderOf(basket: Basket): NewOrder | null {
  if (basket.storeId === null || Object.keys(faultsOf(basket)).length > 0) return null;
  const note = basket.note.trim();
  return {
    storeId: basket.storeId,
    items: Object.entries(basket.quantities)
      .map(([productId, quantity]) => ({ productId, quantity }))
      .sort((a, b) => (a.productId < b.productId ? -1 : 1)),
    paymentMethod: basket.paymentMethod,
    fulfillmentType: basket.fulfillmentType,
    ...(basket.fulfillmentType === 'DELIVERY' && { deliveryAddress: basket.address.trim() }),
    ...(note !== '' && { note }),
  };
}

export interface Again {
  readonly basket: Basket;
  /** Names of what the shop no longer sells. */
  readonly missing: readonly string[];
}

/** The same things again, as far as the shop still sells them, at today's prices. */
export function again(order: Order, products: readonly Product[]): Again {
  const sold = new Set(products.map(({ id }) => id));
  let basket: Basket = {
    ...emptyBasket,
    storeId: order.storeId,
    fulfillmentType: order.fulfillmentType === 'PICKUP' ? 'PICKUP' : 'DELIVERY',
    paymentMethod: order.paymentMethod === 'COD' ? 'COD' : 'ONLINE',
    address: order.deliveryAddress ?? '',
  };
  const missing: string[] = [];
  for (const { productId, name, quantity } of order.items) {
    if (!sold.has(productId)) missing.push(name);
    else basket = withQuantity(basket, productId, (basket.quantities[productId] ?? 0) + quantity);
  }
  return { basket, missing };
}

/** A stored basket, or null if that is none. */
export function parseBasket(value: unknown): Basket | null {
  const fields = asObject(value);
  const quantities = asObject(fields?.quantities);
  if (fields === null || quantities === null) return null;
  const { storeId, fulfillmentType, address, note, paymentMethod } = fields;
  const text = (field: unknown): string => (typeof field === 'string' ? field : '');
  let basket: Basket = {
    storeId: typeof storeId === 'string' ? storeId : null,
    quantities: {},
    fulfillmentType: fulfillmentType === 'PICKUP' ? 'PICKUP' : 'DELIVERY',
    address: text(address),
    note: text(note),
    paymentMethod: paymentMethod === 'COD' ? 'COD' : 'ONLINE',
  };
  for (const [id, quantity] of Object.entries(quantities)) {
    if (typeof quantity === 'number') basket = withQuantity(basket, id, quantity);
  }
  return basket;
}
