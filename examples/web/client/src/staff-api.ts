// SPDX-License-Identifier: MIT

import { ApiError, type PageMeta, unreadable } from './api';
import type { Session } from './session';
import type { Order, OrderStatus, PaymentStatus, Unlisted } from './types';
import { asObject, isVersion, parseOrder } from './validate';
import type { OrderCounts } from './wire';

/** What narrows a list, as `docs/rest.md` of the repository has it. Empty texts and lists don't filter. */
export interface StaffFilters {
  readonly q?: string;
  readonly storeId?: string;
  readonly paymentStatus?: string;
  readonly paymentMethod?: string;
  readonly fulfillmentType?: string;
  /** Dates or ISO instants. */
  readonly dateFrom?: string;
  readonly dateTo?: string;
}

export interface StaffQuery extends StaffFilters {
  readonly statuses: readonly OrderStatus[];
  readonly sortOrder: 'asc' | 'desc';
  readonly page: number;
  readonly pageSize: number;
}

export interface StaffPage {
  readonly orders: readonly Order[];
  readonly meta: PageMeta;
  /** How many entries were left out because they are not orders. */
  readonly unreadable: number;
}

export type { OrderCounts } from './wire';

/** One version of an order, and who made it. */
export interface HistoryEntry {
  readonly version: number;
  readonly status: OrderStatus | Unlisted;
  readonly paymentStatus: PaymentStatus | Unlisted | null;
  readonly note: string | null;
  readonly actor: { readonly id: string; readonly name: string; readonly role: string } | null;
  readonly createdAt: string;
}

export interface StatusChangeRequest {
  readonly status: OrderStatus;
  readonly note?: string | undefined;
  /** Refuses the change with 409 if the order has another version. */
  readonly expectedVersion?: number | undefined;
  /** Is sent even if the page is being left. */
  readonly keepalive?: boolean | undefined;
}

/** The REST calls of staff. Throws `ApiError`. */
export class StaffApi {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async listOrders(query: StaffQuery): Promise<StaffPage> {
    const { statuses, page, pageSize, sortOrder } = query;
    const parameters = filterParameters(query);
    if (statuses.length > 0) parameters.set('status', statuses.join(','));
    parameters.set('sortBy', 'createdAt');
    parameters.set('sortOrder', sortOrder);
    parameters.set('page', String(page));
    parameters.set('pageSize', String(pageSize));
    const { data, meta } = await this.#session.call(`/orders?${parameters.toString()}`);
    if (!Array.isArray(data)) throw unreadable();
    const orders = data.map(parseOrder).filter((order) => order !== null);
    // One entry that can't be read is no reason to show none.
    if (orders.length === 0 && data.length > 0) throw unreadable();
    return { orders, meta: metaOf(meta), unreadable: data.length - orders.length };
  }

  async countOrders(filters: StaffFilters): Promise<OrderCounts> {
    const parameters = filterParameters(filters).toString();
    const { data } = await this.#session.call(
      parameters === '' ? '/orders/counts' : `/orders/counts?${parameters}`,
    );
    const { total, byStatus } = asObject(data) ?? {};
    const counts = asObject(byStatus);
    if (!isVersion(total) || counts === null) throw unreadable();
    return {
      total,
      byStatus: Object.fromEntries(
        Object.entries(counts).filter((entry): entry is [string, number] => isVersion(entry[1])),
      ),
    };
  }

  async getOrder(orderId: string): Promise<Order> {
    const order = parseOrder((await this.#session.call(path(orderId))).data);
    if (order === null) throw unreadable();
    return order;
  }

  async setStatus(orderId: string, request: StatusChangeRequest): Promise<Order> {
    const { status, note, expectedVersion, keepalive = false } = request;
    const body = { status, ...(note ? { note } : {}), expectedVersion };
    const { data } = await this.#session.call(`${path(orderId)}/status`, {
      method: 'PATCH',
      body, // JSON leaves undefined fields out.
      keepalive,
    });
    const order = parseOrder(data);
    if (order === null) throw unreadable();
    return order;
  }

  /** Every version, oldest first. */
  async history(orderId: string): Promise<readonly HistoryEntry[]> {
    const { data } = await this.#session.call(`${path(orderId)}/history`);
    if (!Array.isArray(data)) throw unreadable();
    return data.map(historyEntryOf).filter((entry) => entry !== null);
  }
}

/** The order as it is, which a refused change (409) brings along; null if there is none. */
export function orderOfConflict(problem: unknown): Order | null {
  return problem instanceof ApiError && problem.status === 409 ? parseOrder(problem.data) : null;
}

const path = (orderId: string): string => `/orders/${encodeURIComponent(orderId)}`;

function filterParameters(filters: StaffFilters): URLSearchParams {
  const { q, storeId, paymentStatus, paymentMethod, fulfillmentType, dateFrom, dateTo } = filters;
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries({
    q,
    storeId,
    paymentStatus,
    paymentMethod,
    fulfillmentType,
    dateFrom,
    dateTo,
  })) {
    if (value) parameters.set(name, value);
  }
  return parameters;
}

function metaOf(value: unknown): PageMeta {
  const { total, page, pageSize, totalPages } = asObject(value) ?? {};
  if (!isVersion(total) || !isVersion(page) || !isVersion(pageSize) || !isVersion(totalPages)) {
    throw unreadable();
  }
  return { total, page, pageSize, totalPages };
}

function historyEntryOf(value: unknown): HistoryEntry | null {
  const { version, status, paymentStatus, note, actor, createdAt } = asObject(value) ?? {};
  if (!isVersion(version) || typeof status !== 'string' || typeof createdAt !== 'string') {
    return null;
  }
  const { id, name, role } = asObject(actor) ?? {};
  const isActor = typeof id === 'string' && typeof role === 'string';
  return {
    version,
    status,
    paymentStatus: typeof paymentStatus === 'string' ? paymentStatus : null,
    note: typeof note === 'string' && note !== '' ? note : null,
    actor: isActor ? { id, name: typeof name === 'string' ? name : '', role } : null,
    createdAt,
  };
}
