// SPDX-License-Identifier: MIT

import {
  type FulfillmentType,
  type Order,
  type OrderItem,
  orderStatuses,
  type PaymentMethod,
  paymentStatuses,
  type StatusLog,
} from './types.ts';

/**
 * What comes from outside is checked before it is called an order: a type is a promise of the compiler's,
 * not of the server's. Unknown fields are left out, unknown values make the whole thing `null`.
 */

type Fields = Readonly<Record<string, unknown>>;

/** `value` as an object (no array, no null), or null. */
export function asObject(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : null;
}

/** Whether it is a version or a `since`: an integer from 0 to 2^53 - 1. */
export function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Bytes of UTF-8 that a text takes. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** Whether the server takes it as an order's id: 1 to 128 bytes of UTF-8. */
export function isOrderId(value: unknown): value is string {
  if (typeof value !== 'string' || value === '') return false;
  return value.length <= 128 && utf8Length(value) <= 128;
}

function oneOf<T extends string>(allowed: readonly T[], value: unknown): T | null {
  return (allowed as readonly unknown[]).includes(value) ? (value as T) : null;
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Free text that may be missing. */
function optionalText(value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null;
  if (isText(value)) return value;
  return undefined;
}

function allOf<T>(values: unknown, parse: (value: unknown) => T | null): readonly T[] | null {
  if (!Array.isArray(values)) return null;
  const parsed = values.map(parse);
  return parsed.includes(null) ? null : (parsed as T[]);
}

function parseItem(value: unknown): OrderItem | null {
  const { id, productId, name, quantity, unitPrice, totalPrice } = asObject(value) ?? {};
  if (!isText(id) || !isText(productId) || !isText(name) || !isVersion(quantity)) return null;
  if (!isText(unitPrice) || !isText(totalPrice)) return null;
  return { id, productId, name, quantity, unitPrice, totalPrice };
}

function parseLog(value: unknown): StatusLog | null {
  const fields = asObject(value) ?? {};
  const status = oneOf(orderStatuses, fields.status);
  const note = optionalText(fields.note);
  const { id, createdAt } = fields;
  if (!isText(id) || !isText(createdAt) || status === null || note === undefined) return null;
  return { id, status, note, createdAt };
}

/** An order as the server sends it, or null when it is none. */
export function parseOrder(value: unknown): Order | null {
  const fields = asObject(value);
  if (fields === null) return null;
  const { id, userId, storeId, organizationId, totalAmount, version, createdAt, updatedAt } =
    fields;
  if (!isText(id) || !isText(userId) || !isText(storeId) || !isText(organizationId)) return null;
  if (!isText(totalAmount) || !isText(createdAt) || !isText(updatedAt) || !isVersion(version)) {
    return null;
  }
  const status = oneOf(orderStatuses, fields.status);
  const paymentStatus = oneOf(paymentStatuses, fields.paymentStatus);
  const paymentMethod = oneOf<PaymentMethod>(['ONLINE', 'COD'], fields.paymentMethod);
  const fulfillmentType = oneOf<FulfillmentType>(['DELIVERY', 'PICKUP'], fields.fulfillmentType);
  if (!status || !paymentStatus || !paymentMethod || !fulfillmentType) return null;
  const deliveryAddress = optionalText(fields.deliveryAddress);
  const razorpayOrderId = optionalText(fields.razorpayOrderId);
  const note = optionalText(fields.note);
  if (deliveryAddress === undefined || razorpayOrderId === undefined || note === undefined) {
    return null;
  }
  const items = allOf(fields.items, parseItem);
  const statusLogs = allOf(fields.statusLogs, parseLog);
  if (items === null || statusLogs === null) return null;
  return {
    id,
    userId,
    storeId,
    organizationId,
    status,
    paymentStatus,
    paymentMethod,
    fulfillmentType,
    totalAmount,
    deliveryAddress,
    razorpayOrderId,
    note,
    items,
    statusLogs,
    version,
    createdAt,
    updatedAt,
  };
}
