// SPDX-License-Identifier: MIT

import type { Order, OrderItem, OrderStore, OrderUser, StatusLog } from './types';

/**
 * What comes from outside is checked before it is called an order: a type is a promise of the compiler's,
 * not of the server's. Unknown fields are left out; values of the future stay as they are; what can't be read at all
 * is left out and noted, so that one odd field takes no order off the screen.
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

const isText = (value: unknown): value is string => typeof value === 'string';

/** Reads fields, and notes whether something in them had to be left out. */
class Reader {
  isIncomplete = false;

  text(value: unknown): string {
    if (isText(value)) return value;
    this.isIncomplete = true;
    return '';
  }

  /** Free text that may be missing. */
  optionalText(value: unknown): string | null {
    if (value === undefined || value === null) return null;
    if (isText(value)) return value;
    this.isIncomplete = true;
    return null;
  }

  all<T>(values: unknown, parse: (value: unknown) => T | null): readonly T[] {
    const parsed = Array.isArray(values) ? values.map(parse) : [null];
    const read = parsed.filter((entry): entry is T & {} => entry !== null);
    if (read.length < parsed.length) this.isIncomplete = true;
    return read;
  }
}

function parseItem(value: unknown): OrderItem | null {
  const { id, productId, name, quantity, unitPrice, totalPrice, product } = asObject(value) ?? {};
  if (!isText(id) || !isText(productId) || !isText(name) || !isVersion(quantity)) return null;
  if (!isText(unitPrice) || !isText(totalPrice)) return null;
  const item = { id, productId, name, quantity, unitPrice, totalPrice };
  const { id: soldId, name: soldName } = asObject(product) ?? {};
  if (!isText(soldId) || !isText(soldName)) return item;
  return { ...item, product: { id: soldId, name: soldName } };
}

function parseLog(value: unknown): StatusLog | null {
  const { id, status, note, createdAt, actorRole } = asObject(value) ?? {};
  if (!isText(id) || !isText(createdAt) || !isText(status)) return null;
  const log = { id, status, note: isText(note) ? note : null, createdAt };
  return actorRole === undefined
    ? log
    : { ...log, actorRole: isText(actorRole) ? actorRole : null };
}

/** A customer or a store of an order, whatever of it can be read. */
function parseCard(value: unknown): (OrderUser & OrderStore) | undefined {
  const fields = asObject(value);
  if (fields === null || !isText(fields.id)) return undefined;
  const text = (field: unknown): string | null => (isText(field) ? field : null);
  return {
    id: fields.id,
    name: text(fields.name),
    email: text(fields.email),
    phone: text(fields.phone),
  };
}

/** What the second edition of the contract has added, as far as the server knows it. */
function parseAdditions(fields: Fields): Partial<Order> {
  const { number, refundStatus, estimatedReadyAt } = fields;
  const user = parseCard(fields.user);
  const store = parseCard(fields.store);
  return {
    ...(isVersion(number) && { number }),
    ...(user && { user }),
    ...(store && { store: { id: store.id, name: store.name, phone: store.phone } }),
    ...(refundStatus !== undefined && { refundStatus: isText(refundStatus) ? refundStatus : null }),
    ...(estimatedReadyAt !== undefined && {
      estimatedReadyAt: isText(estimatedReadyAt) ? estimatedReadyAt : null,
    }),
  };
}

/** An order as the server sends it, or null when it is none: without an id, a version or a status. */
export function parseOrder(value: unknown): Order | null {
  const fields = asObject(value);
  if (fields === null) return null;
  const { id, version, status } = fields;
  if (!isOrderId(id) || !isVersion(version) || !isText(status)) return null;
  const read = new Reader();
  const order: Order = {
    id,
    userId: read.text(fields.userId),
    storeId: read.text(fields.storeId),
    organizationId: read.text(fields.organizationId),
    status,
    paymentStatus: read.text(fields.paymentStatus),
    paymentMethod: read.text(fields.paymentMethod),
    fulfillmentType: read.text(fields.fulfillmentType),
    totalAmount: read.text(fields.totalAmount),
    deliveryAddress: read.optionalText(fields.deliveryAddress),
    razorpayOrderId: read.optionalText(fields.razorpayOrderId),
    note: read.optionalText(fields.note),
    items: read.all(fields.items, parseItem),
    statusLogs: read.all(fields.statusLogs, parseLog),
    version,
    createdAt: read.text(fields.createdAt),
    updatedAt: read.text(fields.updatedAt),
    ...parseAdditions(fields),
  };
  return read.isIncomplete ? { ...order, isIncomplete: true } : order;
}
