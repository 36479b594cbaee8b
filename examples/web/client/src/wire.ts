// SPDX-License-Identifier: MIT

// Generated from docs/api by `npm run types --workspace api`; do not edit.

/** PENDING, CONFIRMED, PREPARING, READY, OUT_FOR_DELIVERY (DELIVERY orders only), DELIVERED, in this sequence; CANCELLED from each but DELIVERED. */
export const orderStatuses = [
  'PENDING',
  'CONFIRMED',
  'PREPARING',
  'READY',
  'OUT_FOR_DELIVERY',
  'DELIVERED',
  'CANCELLED',
] as const;
export type OrderStatus = (typeof orderStatuses)[number];

export const paymentStatuses = ['PENDING', 'PAID', 'FAILED', 'REFUNDED'] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

export const paymentMethods = ['ONLINE', 'COD'] as const;
export type PaymentMethod = (typeof paymentMethods)[number];

export const fulfillmentTypes = ['DELIVERY', 'PICKUP'] as const;
export type FulfillmentType = (typeof fulfillmentTypes)[number];

/** DUE: the provider has to be asked. REQUESTED: it has been. DONE: the money is back. FAILED: the provider refused. */
export const refundStatuses = ['DUE', 'REQUESTED', 'DONE', 'FAILED'] as const;
export type RefundStatus = (typeof refundStatuses)[number];

export const roles = [
  'SUPER_ADMIN',
  'ORG_ADMIN',
  'STORE_MANAGER',
  'STAFF',
  'RIDER',
  'CUSTOMER',
] as const;
export type Role = (typeof roles)[number];

/** Stable. Codes may be added. */
export const errorCodes = [
  'bad_message',
  'unknown_type',
  'subscription_denied',
  'too_many_subscriptions',
  'rate_limited',
  'unavailable',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** Something that the client sent was refused. The connection stays open unless the abuse goes on. */
export interface ErrorMessage {
  readonly type: 'error';
  /** One of errorCode of values.json, or one that a newer server has. */
  readonly code: string;
  /** For people. */
  readonly message?: string;
  /** Of the order that it is about, where there is one. */
  readonly orderId?: string;
}

/** The first message to a client that selected `ordercast.v2`. */
export interface Hello {
  readonly type: 'hello';
  readonly epoch: string;
  /** The name of the server's node; missing or empty if it has none. */
  readonly node?: string;
}

/** The full order, to every connection that subscribed to it. Keep the newest version; drop what is not newer. */
export interface OrderUpdated {
  readonly type: 'order:updated';
  readonly orderId: string;
  /** The application's order. With the reference server: order.json. */
  readonly data: {
    readonly version: number;
  };
}

/** The full order: one form for all who may see it, over REST and over WebSockets. */
export interface Order {
  readonly id: string;
  /** Its owner. */
  readonly userId: string;
  readonly storeId: string;
  readonly organizationId: string;
  readonly status: OrderStatus;
  readonly paymentStatus: PaymentStatus;
  readonly paymentMethod: PaymentMethod;
  readonly fulfillmentType: FulfillmentType;
  readonly totalAmount: string;
  readonly deliveryAddress: string | null;
  /** The payment provider's id of this order; null before a payment began. */
  readonly razorpayOrderId: string | null;
  /** The customer's own, given when the order was placed. */
  readonly note: string | null;
  readonly items: readonly OrderItem[];
  /** Oldest first. */
  readonly statusLogs: readonly StatusLog[];
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Counts the orders of an organization, from 1001: what people say on the phone. */
  readonly number: number;
  readonly user: OrderUser;
  readonly store: OrderStore;
  /** Null: nothing has to go back. */
  readonly refundStatus: RefundStatus | null;
  /** Null while it is unknown. */
  readonly estimatedReadyAt: string | null;
}

export interface OrderItem {
  readonly id: string;
  readonly productId: string;
  readonly name: string;
  readonly quantity: number;
  readonly unitPrice: string;
  readonly totalPrice: string;
  readonly product: {
    readonly id: string;
    readonly name: string;
  };
}

export interface StatusLog {
  readonly id: string;
  readonly status: OrderStatus;
  readonly note: string | null;
  readonly createdAt: string;
  /** Who made the change: a role, PROVIDER (the payment provider), or null if unknown. */
  readonly actorRole: Role | 'PROVIDER' | null;
}

/** The customer. */
export interface OrderUser {
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
}

/** Where the order is from. */
export interface OrderStore {
  readonly id: string;
  readonly name: string | null;
  readonly phone: string | null;
}

/** A hint that a list is out of date. Goes once to every connection of the order's owner and of those whose reach it is in; needs no subscription. */
export interface OrdersChanged {
  readonly type: 'orders:changed';
  readonly orderId: string;
  /** The application's word. With the reference server: orderStatus of values.json. */
  readonly status: string;
}

/** Asks whether the connection lives. Answered by `pong`. */
export interface Ping {
  readonly type: 'ping';
}

/** Answers `ping`. */
export interface Pong {
  readonly type: 'pong';
}

/** Says whether the user looks at the screen behind this connection. Not answered. While a connection that said `true` last answers pings, the server may send its user no push. */
export interface Presence {
  readonly type: 'presence';
  readonly visible: boolean;
}

/** Subscribes to 1 to 100 orders, as many as fit into 4 KiB, each as if it had been sent alone. Only for servers that selected `ordercast.v2`. */
export interface SubscribeBatch {
  readonly type: 'subscribe';
  readonly orders: readonly {
    readonly orderId: string;
    readonly since?: number;
    readonly epoch?: string;
  }[];
  /** That of each entry without one. */
  readonly epoch?: string;
}

/** Sends each change of an order from now on. With `since`, answered at once by the current order if its version is greater; without, by nothing. */
export interface Subscribe {
  readonly type: 'subscribe';
  readonly orderId: string;
  /** The version that the client has; 0 for none. */
  readonly since?: number;
  /** The store that `since` is from. If it is not the server's, the server ignores `since` and sends the current order. */
  readonly epoch?: string;
}

/** Ends 1 to 100 subscriptions. Not answered. Only for servers that selected `ordercast.v2`. */
export interface UnsubscribeBatch {
  readonly type: 'unsubscribe';
  readonly orders: readonly {
    readonly orderId: string;
  }[];
}

/** Ends a subscription. Not answered. */
export interface Unsubscribe {
  readonly type: 'unsubscribe';
  readonly orderId: string;
}

export interface Problem {
  readonly success: false;
  /** A short name. */
  readonly error: string;
  /** A sentence for people. */
  readonly message: string;
  /** That of HTTP. */
  readonly statusCode: number;
}

export interface Login {
  readonly email: string;
  readonly password: string;
}

export interface Tokens {
  readonly requiresOrgSelection: false;
  /** Good for 15 minutes. */
  readonly accessToken: string;
  /** Good for 30 days. */
  readonly refreshToken: string;
}

export interface Refresh {
  readonly refreshToken: string;
}

export interface AccessToken {
  readonly accessToken: string;
}

export interface Logout {
  readonly refreshToken?: string | null;
  /** All sign-ins of the user. */
  readonly everywhere?: boolean | null;
  /** A device to remove. */
  readonly deviceToken?: string | null;
}

export interface LoggedOut {
  readonly disconnected: number;
}

export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  /** Null for SUPER_ADMIN and CUSTOMER. */
  readonly organizationId: string | null;
  /** Those that a member of the staff works for. */
  readonly organizations: readonly UserOrganization[];
  /** Those that a member of the staff works for. */
  readonly stores: readonly UserStore[];
}

export interface UserOrganization {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
}

export interface UserStore {
  readonly id: string;
  readonly name: string;
}

export interface Store {
  readonly id: string;
  readonly name: string;
  readonly organizationId: string;
  /** How an order there can be paid. Older servers do not say. */
  readonly paymentMethods?: readonly PaymentMethod[];
}

export interface Product {
  readonly id: string;
  readonly storeId: string;
  readonly name: string;
  readonly price: string;
}

export interface PageMeta {
  readonly total: number;
  readonly page: number;
  readonly pageSize: number;
  readonly totalPages: number;
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

export interface OrderCounts {
  readonly total: number;
  readonly byStatus: Readonly<Record<string, number>>;
}

export interface HistoryEntry {
  readonly version: number;
  readonly status: OrderStatus;
  /** Null for a change from before histories. */
  readonly paymentStatus: PaymentStatus | null;
  readonly note: string | null;
  /** Null if unknown. */
  readonly actor: HistoryActor | null;
  readonly createdAt: string;
}

export interface HistoryActor {
  readonly id: string | null;
  readonly name: string | null;
  /** A role, or PROVIDER (the payment provider). */
  readonly role: string;
}

export interface NewOrder {
  readonly storeId: string;
  readonly items: readonly NewOrderItem[];
  readonly paymentMethod: PaymentMethod;
  readonly fulfillmentType: FulfillmentType;
  /** Required for DELIVERY. */
  readonly deliveryAddress?: string | null;
  readonly note?: string | null;
}

export interface NewOrderItem {
  readonly productId?: string;
  /** Taken for `productId` where there is none. */
  readonly storeProductId?: string;
  readonly quantity: number;
}

export interface StatusChange {
  readonly status: OrderStatus;
  /** For the status log. */
  readonly note?: string | null;
  /** Refuses the change with 409 if the order has another version. */
  readonly expectedVersion?: number | null;
  /** An ISO 8601 instant; null takes it back. */
  readonly estimatedReadyAt?: string | null;
}

export interface PaymentStatusChange {
  readonly paymentStatus: PaymentStatus;
  readonly note?: string | null;
}

export interface BulkStatusChange {
  readonly orderIds: readonly string[];
  readonly status: OrderStatus;
}

export interface BulkResult {
  readonly updated: number;
  readonly skipped: number;
  readonly errors: readonly BulkError[];
}

export interface BulkError {
  readonly orderId: string;
  readonly reason: string;
}

export interface Bill {
  readonly orderId: string;
  readonly razorpayOrderId: string;
  /** In minor units (paise). */
  readonly amount: number;
  readonly currency: string;
  /** The provider's key id; null in a demo. */
  readonly keyId: string | null;
  /** As `razorpayOrderId`. */
  readonly razorpay_order_id: string;
  /** As `keyId`. */
  readonly key_id: string | null;
  /** In a demo, what the provider's page would give. */
  readonly testPayment?: Payment;
}

export interface Payment {
  readonly razorpay_order_id: string;
  readonly razorpay_payment_id: string;
  readonly razorpay_signature: string;
}

/** What is read of the provider's event. */
export interface WebhookEvent {
  readonly event?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
}

export interface WebhookOutcome {
  readonly outcome: 'applied' | 'unchanged' | 'repeated' | 'ignored' | 'refused';
}

export interface Device {
  /** FCM's. */
  readonly token: string;
  /** In any case. */
  readonly platform: 'android' | 'ios' | 'web';
}

export interface DeviceToRemove {
  readonly token: string;
  /** Ignored. */
  readonly platform?: unknown;
}

export interface DeviceAdded {
  readonly registered: true;
  /** It was another user's until now. */
  readonly takenOver?: true;
}

export interface Disconnect {
  readonly reason?: string | null;
}

export interface Disconnected {
  readonly userId: string;
  readonly disconnected: number;
}

export interface Ready {
  readonly status: 'ready';
  /** Why clients of this node may lack changes of other nodes. */
  readonly behind?: string;
}
