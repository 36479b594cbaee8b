// SPDX-License-Identifier: MIT

import type { Environment, Socket } from '../src/environment.ts';
import type { Order } from '../src/types.ts';

/** A socket whose other end is the test. */
export class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];
  closedWith: number | null = null;
  readonly url: string;
  readonly protocols: string[];
  /** What the server has selected. */
  readonly protocol: string;

  constructor(url: string, protocols: string[], protocol = 'ordercast.v1') {
    this.url = url;
    this.protocols = protocols;
    this.protocol = protocol;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(code?: number): void {
    this.closedWith = code ?? 1000;
  }

  /** Opens and answers the first ping, as a server does that takes the token. */
  goLive(): void {
    this.onopen?.();
    this.receive({ type: 'pong' });
  }
  receive(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  drop(code = 1006, reason = ''): void {
    this.onclose?.({ code, reason });
  }
}

interface Timer {
  readonly at: number;
  readonly task: () => void;
}

/** Time stands still until a test moves it; chance draws 0; sockets are the test's. */
export class FakeEnvironment implements Environment {
  readonly sockets: FakeSocket[] = [];
  readonly #timers = new Set<Timer>();
  readonly #wakers = new Set<() => void>();
  #now = 1_000_000;
  online = true;
  /** What the server selects of the protocols. */
  protocol = 'ordercast.v1';
  visible: boolean | undefined;
  readonly #visibleListeners = new Set<() => void>();

  openSocket(url: string, protocols: string[]): Socket {
    const socket = new FakeSocket(url, protocols, this.protocol);
    this.sockets.push(socket);
    return socket;
  }
  readonly timers = {
    set: (task: () => void, delayMs: number): Timer => {
      const timer = { at: this.#now + delayMs, task };
      this.#timers.add(timer);
      return timer;
    },
    clear: (timer: unknown): void => {
      this.#timers.delete(timer as Timer);
    },
  };
  readonly lifecycle = {
    onWake: (listener: () => void) => {
      this.#wakers.add(listener);
      return () => this.#wakers.delete(listener);
    },
    isOnline: () => this.online,
    onOnlineChange: () => () => undefined,
    isVisible: () => this.visible as boolean,
    onVisibleChange: (listener: () => void) => {
      this.#visibleListeners.add(listener);
      return () => this.#visibleListeners.delete(listener);
    },
  };
  now(): number {
    return this.#now;
  }
  random(): number {
    return 0;
  }

  /** The newest socket. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('no socket was opened');
    return socket;
  }
  get pendingTimers(): number {
    return this.#timers.size;
  }
  get wakers(): number {
    return this.#wakers.size;
  }

  wake(): void {
    for (const listener of [...this.#wakers]) listener();
  }

  show(visible: boolean): void {
    this.visible = visible;
    for (const listener of [...this.#visibleListeners]) listener();
  }
  get visibleListeners(): number {
    return this.#visibleListeners.size;
  }

  /** Stands still for so long, as a tab in the background or under a debugger, and then goes on. */
  freeze(ms: number): void {
    this.#now += ms;
  }

  /** Lets time pass, timer by timer, and promises settle after each. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.task();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets promises that are ready run on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

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
    deliveryAddress: null,
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
    statusLogs: [
      { id: 'log-1', status: 'PENDING', note: null, createdAt: '2026-01-01T00:00:00.000Z' },
    ],
    version,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...fields,
  };
}

export function updated(order: Order): unknown {
  return { type: 'order:updated', orderId: order.id, data: order };
}
