// @vitest-environment jsdom
// SPDX-License-Identifier: MIT

import { act, StrictMode, useState } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OrderClient } from '../src/order-client.ts';
import {
  OrderClientProvider,
  useConnectionState,
  useOrder,
  useOrderWebSocket,
} from '../src/react/index.ts';
import type { Order } from '../src/types.ts';
import { FakeEnvironment, makeOrder, settle, updated } from './fake-environment.ts';

let environment: FakeEnvironment;
let client: OrderClient;
let root: Root;
let container: HTMLElement;

beforeEach(() => {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
  environment = new FakeEnvironment();
  client = new OrderClient({
    url: 'ws://shop.test/ws',
    getToken: async () => 'token',
    fetchOrder: async (id) => makeOrder(id, 1),
    environment,
  });
  container = document.body.appendChild(document.createElement('div'));
  root = createRoot(container);
});
afterEach(async () => {
  await act(async () => root.unmount());
  container.remove();
});

/** Under StrictMode, as the apps are: effects run twice. */
async function render(element: React.ReactNode): Promise<void> {
  await act(async () => {
    root.render(
      <StrictMode>
        <OrderClientProvider client={client}>{element}</OrderClientProvider>
      </StrictMode>,
    );
    await settle();
  });
}

async function receive(...messages: unknown[]): Promise<void> {
  await act(async () => {
    for (const message of messages) environment.socket.receive(message);
  });
}

function Watcher(props: {
  orderId?: string;
  enabled?: boolean;
  onOrderUpdated?: (order: Order) => void;
  onOrdersChanged?: () => void;
}) {
  useOrderWebSocket(props);
  return null;
}

function Status(props: { orderId: string }) {
  const { order } = useOrder(props.orderId);
  return <p>{order === undefined ? 'unknown' : `${order.status} ${order.version}`}</p>;
}

/** Notes each message, and each render with the state of that moment. */
function Counting(props: { versions: number[]; renders: number[] }) {
  const [version, setVersion] = useState(0);
  props.renders.push(version);
  useOrderWebSocket({
    orderId: 'o-1',
    onOrderUpdated: (order) => {
      props.versions.push(order.version);
      setVersion(order.version);
    },
  });
  return <b>{version}</b>;
}

function Connection() {
  return <i>{useConnectionState().status}</i>;
}

describe('useOrderWebSocket', () => {
  it('opens one socket for two hooks on one page, under StrictMode too', async () => {
    await render(
      <>
        <Watcher orderId="o-1" />
        <Watcher orderId="o-1" />
        <Watcher orderId="o-2" />
      </>,
    );
    await act(async () => environment.socket.goLive());
    expect(environment.sockets).toHaveLength(1);
    const subscribed = environment.socket.sent.filter(({ type }) => type === 'subscribe');
    expect(subscribed.map(({ orderId }) => orderId)).toEqual(['o-1', 'o-2']);
  });

  it('calls back once per message, whatever React batches', async () => {
    const versions: number[] = [];
    const renders: number[] = [];
    await render(<Counting versions={versions} renders={renders} />);
    await act(async () => environment.socket.goLive());
    const before = renders.length;
    await receive(...[1, 2, 3, 4, 5].map((version) => updated(makeOrder('o-1', version))));
    expect(versions).toEqual([1, 2, 3, 4, 5]);
    expect(renders.length - before).toBeLessThan(5); // they were batched
    expect(container.querySelector('b')?.textContent).toBe('5');
  });

  it('calls the newest callback and does not subscribe again for it', async () => {
    const calls: string[] = [];
    await render(<Watcher orderId="o-1" onOrderUpdated={() => calls.push('old')} />);
    await act(async () => environment.socket.goLive());
    const sent = environment.socket.sent.length;
    await render(<Watcher orderId="o-1" onOrderUpdated={() => calls.push('new')} />);
    await receive(updated(makeOrder('o-1', 1)));
    expect(calls).toEqual(['new']);
    expect(environment.socket.sent).toHaveLength(sent);
  });

  it('watches nothing while it is not enabled', async () => {
    await render(<Watcher orderId="o-1" enabled={false} />);
    await environment.pass(5000);
    expect(environment.sockets).toHaveLength(0);
    await render(<Watcher orderId="o-1" enabled={true} />);
    expect(environment.sockets).toHaveLength(1);
    await render(<Watcher orderId="o-1" enabled={false} />);
    await act(async () => environment.pass(5000));
    expect(client.getState().status).toBe('idle');
  });

  it('tells of a list that is out of date', async () => {
    let hints = 0;
    await render(
      <Watcher
        onOrdersChanged={() => {
          hints += 1;
        }}
      />,
    );
    await act(async () => environment.socket.goLive());
    hints = 0;
    await receive({ type: 'orders:changed', orderId: 'o-7', status: 'READY' });
    expect(hints).toBe(1);
  });
});

describe('useOrder', () => {
  it('shows what is fetched, then what is pushed, and never an older one', async () => {
    await render(<Status orderId="o-1" />);
    expect(container.textContent).toBe('PENDING 1');
    await act(async () => environment.socket.goLive());
    await receive(updated(makeOrder('o-1', 3, { status: 'READY' })));
    expect(container.textContent).toBe('READY 3');
    await receive(updated(makeOrder('o-1', 2)));
    await act(async () => client.refresh('o-1'));
    expect(container.textContent).toBe('READY 3');
  });

  it('follows the id that it is given', async () => {
    await render(<Status orderId="o-1" />);
    await act(async () => environment.socket.goLive());
    await render(<Status orderId="o-2" />);
    await receive(updated(makeOrder('o-2', 9, { status: 'DELIVERED' })));
    expect(container.textContent).toBe('DELIVERED 9');
    expect(environment.sockets).toHaveLength(1);
    expect(environment.socket.sent).toContainEqual({ type: 'unsubscribe', orderId: 'o-1' });
  });
});

it('useConnectionState follows the connection and opens none', async () => {
  await render(<Connection />);
  expect(container.textContent).toBe('idle');
  expect(environment.sockets).toHaveLength(0);
  await render(
    <>
      <Connection />
      <Watcher orderId="o-1" />
    </>,
  );
  expect(container.textContent).toBe('connecting');
  await act(async () => environment.socket.goLive());
  expect(container.textContent).toBe('live');
  await act(async () => environment.socket.drop());
  expect(container.textContent).toBe('waiting');
});
