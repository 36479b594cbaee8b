// SPDX-License-Identifier: MIT

import type { KeyValueStore, Order } from '@ordercast/client';

export function makeOrder(id: string, version: number, fields: Partial<Order> = {}): Order {
  return {
    id,
    userId: 'user-1',
    storeId: 'store-1',
    organizationId: 'org-1',
    status: 'PENDING',
    paymentStatus: 'PENDING',
    paymentMethod: 'COD',
    fulfillmentType: 'DELIVERY',
    totalAmount: '136.00',
    deliveryAddress: '1 Quiet Street',
    razorpayOrderId: null,
    note: null,
    items: [
      {
        id: 'item-1',
        productId: 'milk',
        name: 'Milk',
        quantity: 2,
        unitPrice: '68.00',
        totalPrice: '136.00',
      },
    ],
    statusLogs: [],
    version,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...fields,
  };
}

export class FakeStorage implements KeyValueStore {
  readonly entries = new Map<string, string>();
  isBroken = false;
  get(key: string): string | null {
    if (this.isBroken) throw new Error('no storage');
    return this.entries.get(key) ?? null;
  }
  set(key: string, value: string): void {
    if (this.isBroken) throw new Error('no storage');
    this.entries.set(key, value);
  }
  remove(key: string): void {
    if (this.isBroken) throw new Error('no storage');
    this.entries.delete(key);
  }
}

/** Lets everything go on that waits for nothing but a turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
