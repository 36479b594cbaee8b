// SPDX-License-Identifier: MIT

import { mayStaffCancel, nextStatus, type Order, type OrderStatus } from '@ordercast/client';

/** What the panel offers to each role. The server decides; this is for offering nothing useless. */

export function isStaff(role: string): boolean {
  return ['SUPER_ADMIN', 'ORG_ADMIN', 'STORE_MANAGER', 'STAFF', 'RIDER'].includes(role);
}

/** A rider takes what is ready and brings it; what happens before is the shop's. */
export function nextStepFor(role: string, order: Order): OrderStatus | null {
  const next = nextStatus(order);
  if (role !== 'RIDER') return isStaff(role) ? next : null;
  const isDelivery = order.fulfillmentType === 'DELIVERY';
  return isDelivery && (next === 'OUT_FOR_DELIVERY' || next === 'DELIVERED') ? next : null;
}

export function mayCancelFor(role: string, order: Order): boolean {
  return isStaff(role) && role !== 'RIDER' && mayStaffCancel(order);
}

export function maySeeKitchen(role: string): boolean {
  return isStaff(role) && role !== 'RIDER';
}

/** A role in words: "store manager". */
export function roleName(role: string): string {
  if (role === 'PROVIDER') return 'payment provider';
  return role.toLowerCase().replaceAll('_', ' ').replace(/^org /, 'organization ');
}
