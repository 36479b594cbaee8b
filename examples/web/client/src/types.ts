// SPDX-License-Identifier: MIT

import type {
  FulfillmentType,
  OrderStatus,
  OrderStore,
  OrderUser,
  PaymentMethod,
  PaymentStatus,
  Ping,
  Presence,
  RefundStatus,
  Subscribe,
  SubscribeBatch,
  Unsubscribe,
  UnsubscribeBatch,
  Order as WireOrder,
} from './wire';

/** What an order is for this client, and what goes over the wire: `wire.ts`, from `docs/api` of the repository. */

export {
  type FulfillmentType,
  type OrderStatus,
  type OrderStore,
  type OrderUser,
  orderStatuses,
  type PaymentMethod,
  type PaymentStatus,
  paymentStatuses,
  type RefundStatus,
  refundStatuses,
  type Subscribe as SubscribeMessage,
  type SubscribeBatch,
  type Unsubscribe as UnsubscribeMessage,
  type UnsubscribeBatch,
} from './wire';

/** What a newer server says where this client knows a list: shown as it is, and nothing is offered for it. */
export type Unlisted = string & {};

export interface OrderItem {
  readonly id: string;
  readonly productId: string;
  readonly name: string;
  readonly quantity: number;
  /** A decimal string, "123.00". */
  readonly unitPrice: string;
  readonly totalPrice: string;
  readonly product?: { readonly id: string; readonly name: string };
}

export interface StatusLog {
  readonly id: string;
  readonly status: OrderStatus | Unlisted;
  readonly note: string | null;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** Who made the change: a role, `PROVIDER`, or null where that is unknown. */
  readonly actorRole?: string | null;
}

/** What is optional is not there from a server of the first edition. */
export interface Order {
  readonly id: string;
  readonly userId: string;
  readonly storeId: string;
  readonly organizationId: string;
  readonly status: OrderStatus | Unlisted;
  readonly paymentStatus: PaymentStatus | Unlisted;
  readonly paymentMethod: PaymentMethod | Unlisted;
  readonly fulfillmentType: FulfillmentType | Unlisted;
  /** A decimal string, "123.00": money is never a float. */
  readonly totalAmount: string;
  readonly deliveryAddress: string | null;
  readonly razorpayOrderId: string | null;
  readonly note: string | null;
  readonly items: readonly OrderItem[];
  /** Oldest first. */
  readonly statusLogs: readonly StatusLog[];
  /** Grows by one with every change of this order. */
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Counts the orders of an organization, from 1001: what people call it. */
  readonly number?: number;
  readonly user?: OrderUser;
  readonly store?: OrderStore;
  /** Null: nothing has to go back. */
  readonly refundStatus?: RefundStatus | Unlisted | null;
  /** ISO 8601, UTC; null while it is unknown. */
  readonly estimatedReadyAt?: string | null;
  /** Something in it could not be read, and stands here empty: the server is newer than this client. */
  readonly isIncomplete?: true;
}

/** The compiler refuses this if the order of `docs/api` is not an `Order`. */
type Readable<T extends Order> = T;
export type OrderOnTheWire = Readable<WireOrder>;

/** What every order has that a client can work with, whatever else a server puts into it. */
export interface Versioned {
  readonly id: string;
  readonly version: number;
}

export interface OrdersChanged {
  readonly orderId: string;
  readonly status: string;
}

export type ClientMessage =
  | Subscribe
  | SubscribeBatch
  | Unsubscribe
  | UnsubscribeBatch
  | Ping
  | Presence;

export type ServerMessage =
  | { readonly type: 'hello'; readonly epoch: string; readonly node: string }
  | { readonly type: 'pong' }
  | {
      readonly type: 'order:updated';
      readonly orderId: string;
      readonly version: number;
      /** As it came: the application's business. */
      readonly data: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'orders:changed'; readonly orderId: string; readonly status: string }
  | {
      readonly type: 'error';
      readonly code: string;
      /** "" when there is none, as with `orderId`. */
      readonly message: string;
      readonly orderId: string;
    };

/** Close codes that mean something to a client; every other one means "come back after a while". */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  policy: 1008,
  messageTooBig: 1009,
  restarting: 1012,
  /** Ours: a socket that is of no use any more. */
  givenUp: 4000,
  unauthorized: 4001,
  tooManyConnections: 4008,
  tooSlow: 4009,
} as const;

/**
 * How the connection is.
 *
 * - `idle`: no order and no list is watched, or the client was stopped.
 * - `connecting`: a token is being got or a socket is opening.
 * - `live`: what changes is heard at once.
 * - `waiting`: cut off; the next attempt is at `retryAt` (milliseconds of `OrderClient.now`), or sooner when
 *   the device says that it is back (`wake`).
 * - `refused`: the server does not take our tokens; sign in again. Nothing is tried by itself.
 */
export type ConnectionState =
  | { readonly status: 'idle' }
  | { readonly status: 'connecting'; readonly attempt: number }
  | { readonly status: 'live' }
  | { readonly status: 'waiting'; readonly attempt: number; readonly retryAt: number }
  | { readonly status: 'refused' };
