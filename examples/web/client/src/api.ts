// SPDX-License-Identifier: MIT

import { type Timers, withDeadline } from './environment';
import type { Session } from './session';
import type { FulfillmentType, Order, OrderStatus, PaymentMethod } from './types';
import { asObject, parseOrder } from './validate';
import type { Payment, Product, Store as WireStore } from './wire';

export interface ApiErrorOptions {
  readonly isEnvelope?: boolean;
  readonly retryAfterMs?: number | null;
  readonly data?: unknown;
}

/** A failed call. `status` is HTTP's, 0 if there was no answer. */
export class ApiError extends Error {
  readonly status: number;
  /** The server's short name for the error, such as "Invalid Transition". */
  readonly title: string;
  /** True if the order server itself answered: proxies and captive portals answer with statuses, too. */
  readonly isEnvelope: boolean;
  /** The wait that `Retry-After` asks for; null if there is none. */
  readonly retryAfterMs: number | null;
  /** What the refusal brings along, such as the order as it is; undefined if nothing. Not checked. */
  readonly data: unknown;

  constructor(status: number, title: string, message: string, options: ApiErrorOptions = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.title = title;
    this.isEnvelope = options.isEnvelope ?? false;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.data = options.data;
  }
}

/** Returns true if the order server itself says that this token is no longer valid. */
export function isTokenRefusal(problem: unknown): boolean {
  return problem instanceof ApiError && problem.status === 401 && problem.isEnvelope;
}

export interface PageMeta {
  readonly total: number;
  readonly page: number;
  readonly pageSize: number;
  readonly totalPages: number;
  /** Asks for the next page; null on the last one, undefined from a server of the first edition. */
  readonly nextCursor?: string | null;
}

export interface OrderPage {
  readonly orders: readonly Order[];
  readonly meta: PageMeta;
  /** How many entries were left out because they are not orders. */
  readonly unreadable?: number;
}

export type Store = Pick<WireStore, 'id' | 'name' | 'paymentMethods'>;
export type { Payment, Product } from './wire';

export interface NewOrder {
  readonly storeId: string;
  readonly items: readonly { readonly productId: string; readonly quantity: number }[];
  readonly paymentMethod: PaymentMethod;
  readonly fulfillmentType: FulfillmentType;
  readonly deliveryAddress?: string;
  readonly note?: string;
}

/** A started payment. */
export interface Bill {
  readonly razorpayOrderId: string;
  /** In hundredths of the currency unit. */
  readonly amount: number;
  readonly currency: string;
  /** Null if there is no payment provider. */
  readonly keyId: string | null;
  /** In a demo: a test payment that the server has signed. */
  readonly testPayment: Payment | null;
}

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;
export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface Answer {
  readonly data: unknown;
  readonly meta: unknown;
}

export interface CallOptions {
  readonly method?: Method;
  readonly body?: unknown;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Continues when the page is left, if the platform can. */
  readonly keepalive?: boolean;
}

/** How long a call may take, including its answer's body. */
export interface Deadline {
  readonly timers: Timers;
  readonly timeoutMs: number;
}

/** Makes one call and opens its envelope. Throws `ApiError`, also if the network fails or does not answer. */
export async function call(
  fetch: Fetch,
  url: string,
  options: CallOptions,
  deadline: Deadline,
): Promise<Answer> {
  const headers: Record<string, string> = { ...options.headers };
  if (options.token !== undefined) headers.Authorization = `Bearer ${options.token}`;
  const abort = new AbortController();
  const init: RequestInit = { method: options.method ?? 'GET', headers, signal: abort.signal };
  if (options.keepalive) init.keepalive = true;
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(options.body);
  }
  // Has its own deadline: not every `fetch` obeys the signal, and a body may stop half-way.
  return withDeadline(exchange(fetch, url, init), deadline, () => {
    abort.abort();
    return new ApiError(0, 'Timeout', 'The server does not answer');
  });
}

async function exchange(fetch: Fetch, url: string, init: RequestInit): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch {
    throw new ApiError(0, 'Unreachable', 'The server can’t be reached');
  }
  let envelope: ReturnType<typeof asObject> = null;
  try {
    envelope = asObject(await response.json());
  } catch {
    // A proxy's page or a cut-off answer: not JSON.
  }
  if (response.ok && envelope?.success === true) {
    return { data: envelope.data, meta: envelope.meta };
  }
  const text = (value: unknown, otherwise: string): string =>
    typeof value === 'string' && value !== '' ? value : otherwise;
  throw new ApiError(
    response.ok ? 502 : response.status,
    text(envelope?.error, 'Error'),
    text(envelope?.message, `The server answered ${response.status}`),
    {
      isEnvelope: envelope?.success === false && typeof envelope.error === 'string',
      retryAfterMs: retryAfterMs(response.headers.get('Retry-After')),
      data: envelope?.data,
    },
  );
}

/** RFC 9110 section 10.2.3, in seconds; ignores dates, since clocks differ. */
function retryAfterMs(value: string | null): number | null {
  return value !== null && /^\s*[0-9]{1,9}\s*$/.test(value) ? Number(value) * 1000 : null;
}

export function unreadable(): ApiError {
  return new ApiError(502, 'Unreadable', 'The server’s answer can’t be read');
}

function orderOf(value: unknown): Order {
  const order = parseOrder(value);
  if (order === null) throw unreadable();
  return order;
}

function metaOf(value: unknown): PageMeta {
  const meta = asObject(value);
  const number = (name: 'total' | 'page' | 'pageSize' | 'totalPages'): number => {
    const field = meta?.[name];
    if (typeof field !== 'number') throw unreadable();
    return field;
  };
  return {
    total: number('total'),
    page: number('page'),
    pageSize: number('pageSize'),
    totalPages: number('totalPages'),
    ...(typeof meta?.nextCursor === 'string' || meta?.nextCursor === null
      ? { nextCursor: meta.nextCursor }
      : {}),
  };
}

function listOf<T>(value: unknown, fields: readonly (keyof T & string)[]): readonly T[] {
  if (!Array.isArray(value)) throw unreadable();
  const read = value.filter((entry) => {
    const object = asObject(entry);
    return object !== null && fields.every((field) => typeof object[field] === 'string');
  });
  // One entry that can't be read is no reason to show none.
  if (read.length === 0 && value.length > 0) throw unreadable();
  return read as T[];
}

function paymentOf(value: unknown): Payment | null {
  const { razorpay_order_id, razorpay_payment_id, razorpay_signature } = asObject(value) ?? {};
  if (typeof razorpay_order_id !== 'string') return null;
  if (typeof razorpay_payment_id !== 'string' || typeof razorpay_signature !== 'string')
    return null;
  return { razorpay_order_id, razorpay_payment_id, razorpay_signature };
}

const path = (orderId: string): string => `/orders/${encodeURIComponent(orderId)}`;

/** The REST calls of a signed-in user. Renews an expired token once and repeats the call. */
export class OrderApi {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async listOrders(query: {
    page?: number;
    pageSize?: number;
    status?: OrderStatus | null;
    /** `meta.nextCursor` of the page before, in place of `page`. */
    cursor?: string;
  }): Promise<OrderPage> {
    const parameters = new URLSearchParams();
    if (query.cursor !== undefined) parameters.set('cursor', query.cursor);
    if (query.page !== undefined) parameters.set('page', String(query.page));
    if (query.pageSize !== undefined) parameters.set('pageSize', String(query.pageSize));
    if (query.status) parameters.set('status', query.status);
    const { data, meta } = await this.#session.call(`/orders?${parameters.toString()}`);
    if (!Array.isArray(data)) throw unreadable();
    // One entry that can't be read is no reason to show none.
    const orders = data.map(parseOrder).filter((order) => order !== null);
    const left = data.length - orders.length;
    if (orders.length === 0 && data.length > 0) throw unreadable();
    return { orders, meta: metaOf(meta), unreadable: left };
  }

  async getOrder(orderId: string): Promise<Order> {
    return orderOf((await this.#session.call(path(orderId))).data);
  }

  async setStatus(orderId: string, status: OrderStatus, note?: string): Promise<Order> {
    const body = note ? { status, note } : { status };
    const options = { method: 'PATCH', body } as const;
    return orderOf((await this.#session.call(`${path(orderId)}/status`, options)).data);
  }

  async cancelOrder(orderId: string): Promise<Order> {
    const options = { method: 'POST' } as const;
    return orderOf((await this.#session.call(`${path(orderId)}/cancel`, options)).data);
  }

  /** Starts a payment: returns what the provider's page needs and, in a demo, what that page would return. */
  async createPayment(orderId: string): Promise<Bill> {
    const { data } = await this.#session.call(`${path(orderId)}/payment`, { method: 'POST' });
    const { razorpayOrderId, amount, currency, keyId, testPayment } = asObject(data) ?? {};
    if (typeof razorpayOrderId !== 'string' || typeof amount !== 'number') throw unreadable();
    return {
      razorpayOrderId,
      amount,
      currency: typeof currency === 'string' ? currency : 'INR',
      keyId: typeof keyId === 'string' ? keyId : null,
      testPayment: paymentOf(testPayment),
    };
  }

  async verifyPayment(orderId: string, payment: Payment): Promise<Order> {
    const options = { method: 'POST', body: payment } as const;
    return orderOf((await this.#session.call(`${path(orderId)}/payment/verify`, options)).data);
  }

  /** With a key, the same order may be sent again and again and is placed once. */
  async placeOrder(order: NewOrder, idempotencyKey?: string): Promise<Order> {
    const headers: Record<string, string> = {};
    if (idempotencyKey !== undefined) headers['Idempotency-Key'] = idempotencyKey;
    const options = { method: 'POST', body: order, headers } as const;
    return orderOf((await this.#session.call('/orders', options)).data);
  }

  async listStores(): Promise<readonly Store[]> {
    return listOf<Store>((await this.#session.call('/stores')).data, ['id', 'name']);
  }

  async listProducts(storeId: string): Promise<readonly Product[]> {
    const answer = await this.#session.call(`/products?storeId=${encodeURIComponent(storeId)}`);
    return listOf<Product>(answer.data, ['id', 'storeId', 'name', 'price']);
  }

  async registerDevice(token: string, platform: string): Promise<void> {
    await this.#session.call('/devices', { method: 'POST', body: { token, platform } });
  }

  async removeDevice(token: string, platform: string): Promise<void> {
    await this.#session.call('/devices', { method: 'DELETE', body: { token, platform } });
  }
}
