// SPDX-License-Identifier: MIT

import { type Order, problemText } from '@ordercast/client';
import { dateTime, money, paymentText, shortId, statusName } from '@ordercast/client/format';
import { useOrder } from '@ordercast/client/react';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useDesk, useRole, useStep } from '../desk/hooks.ts';
import { mayCancelFor, nextStepFor } from '../desk/permissions.ts';
import { orderName } from '../desk/step-texts.ts';
import { BackIcon, BagIcon, PrintIcon, TruckIcon } from '../icons.tsx';
import { Age } from '../orders/age.tsx';
import { StepControl } from '../orders/step-control.tsx';
import { FloatingNote } from '../orders/step-notes.tsx';
import { hrefOf, type ListRoute } from '../route.ts';
import { useAnnounce } from '../shell/announcer.tsx';
import { useTitle } from '../shell/bell.tsx';
import { useCommands } from '../shell/use-commands.ts';
import { StatusPill } from '../status-pill.tsx';
import { Alert, Button, Skeleton } from '../ui.tsx';
import { CancelDialog } from './cancel-dialog.tsx';
import { OrderTimeline } from './order-timeline.tsx';
import { ProgressPath } from './progress-path.tsx';
import { refundText } from './refund-texts.ts';
import { Ticket } from './ticket.tsx';

export function OrderPage(props: {
  orderId: string;
  list: ListRoute;
  /** It stands beside its list. */
  isSplit: boolean;
}): ReactNode {
  const { orderId, list, isSplit } = props;
  const { order, problem, refresh } = useOrder(orderId);
  const { steps, open } = useDesk();
  const name = order === undefined ? shortId(orderId) : orderName(order);
  useTitle(order === undefined ? name : `${name} ${statusName(order.status)}`);
  useAnnouncedStatus(order);
  useEffect(() => open(orderId), [open, orderId]);
  useEffect(() => {
    if (order !== undefined) steps.onOrder(order);
  }, [steps, order]);
  const pane = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => pane.current?.focus({ preventScroll: true }), []);

  const alert = (
    <Alert tone="danger">
      {problemText(problem)}
      {order !== undefined && ' This page may be out of date.'}{' '}
      <button type="button" className="link-button" onClick={() => void refresh()}>
        Try again
      </button>
    </Alert>
  );

  return (
    <div className="order-pane" ref={pane} tabIndex={-1} data-focus-home>
      <a className="back" href={hrefOf({ page: 'orders', list })}>
        <BackIcon /> {isSplit ? 'Close' : 'All orders'}
      </a>
      {problem !== undefined &&
        (order === undefined ? alert : <FloatingNote>{alert}</FloatingNote>)}
      {order === undefined && problem === undefined && (
        <div className="panel" aria-busy="true">
          <h1 className="sr-only">Order {name}</h1>
          <Skeleton rows={5} height={40} />
        </div>
      )}
      {order !== undefined && <Details order={order} isSplit={isSplit} />}
    </div>
  );
}

/** Announces each change after the first state. */
function useAnnouncedStatus(order: Order | undefined): void {
  const announce = useAnnounce();
  const version = order?.version;
  const seen = useRef(version);
  const text = order && `Order ${orderName(order)}: ${statusName(order.status)}`;
  useEffect(() => {
    if (seen.current !== undefined && version !== seen.current && text) announce(text);
    seen.current = version;
  }, [announce, version, text]);
}

function Details(props: { order: Order; isSplit: boolean }): ReactNode {
  const { order, isSplit } = props;
  const state = useStep(order.id);
  const isUnsent = state?.phase === 'waiting' || state?.phase === 'sending';
  const pickup = order.fulfillmentType === 'PICKUP';
  const refund = refundText(order);
  const Heading = isSplit ? 'h2' : 'h1';
  return (
    <article aria-label={`Order ${orderName(order)}`} data-order-id={order.id}>
      <div className="order-screen">
        <header className="order-head">
          <div className="order-title">
            <Heading className="order-name">{orderName(order)}</Heading>
            <StatusPill
              status={isUnsent ? state.step.status : order.status}
              isUnsent={isUnsent}
              large
            />
            <Age order={order} />
          </div>
          <p className="dimmed order-sub">
            Placed {dateTime(order.createdAt)}
            {order.store?.name && ` at ${order.store.name}`}
          </p>
          <Actions order={order} />
        </header>
        <section className="panel" aria-label="Progress">
          <ProgressPath order={order} />
        </section>
        <div className="order-columns">
          <section className="panel" aria-label="Items">
            <h2 className="panel-title">Items</h2>
            <Items order={order} />
            {order.note && (
              <p className="order-note">
                <strong>Note:</strong> {order.note}
              </p>
            )}
            <dl className="facts">
              <Fact name="Customer">
                {order.user?.name ?? order.userId}
                {order.user?.phone && (
                  <a className="phone" href={`tel:${order.user.phone.replaceAll(' ', '')}`}>
                    {order.user.phone}
                  </a>
                )}
                {order.user?.email && <span className="dimmed small">{order.user.email}</span>}
              </Fact>
              <Fact name={pickup ? 'Pick-up' : 'Delivery'}>
                <span className="fact-icon">{pickup ? <BagIcon /> : <TruckIcon />}</span>
                {pickup
                  ? 'Picked up by the customer'
                  : (order.deliveryAddress ?? 'No address given')}
              </Fact>
              <Fact name="Payment">
                {paymentText(order)}
                {order.paymentMethod === 'ONLINE' && <span className="dimmed"> · online</span>}
                {refund !== null && <span className="small">{refund}</span>}
              </Fact>
              {order.estimatedReadyAt && (
                <Fact name="Ready at about">{dateTime(order.estimatedReadyAt)}</Fact>
              )}
            </dl>
          </section>
          <section className="panel" aria-label="Timeline">
            <h2 className="panel-title">Timeline</h2>
            <OrderTimeline order={order} />
            <p className="dimmed small order-id">
              {order.id} · version {order.version}
            </p>
          </section>
        </div>
      </div>
      <Ticket order={order} />
    </article>
  );
}

function Items(props: { order: Order }): ReactNode {
  const { order } = props;
  return (
    <table className="items">
      <thead>
        <tr>
          <th scope="col">Item</th>
          <th scope="col" className="number">
            Quantity
          </th>
          <th scope="col" className="number each">
            Each
          </th>
          <th scope="col" className="number">
            Total
          </th>
        </tr>
      </thead>
      <tbody>
        {order.items.map((item) => (
          <tr key={item.id}>
            <th scope="row">{item.name}</th>
            <td className="number">{item.quantity}</td>
            <td className="number each dimmed">{money(item.unitPrice)}</td>
            <td className="number">{money(item.totalPrice)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Total</th>
          <td />
          <td className="each" />
          <td className="number">{money(order.totalAmount)}</td>
        </tr>
      </tfoot>
    </table>
  );
}

function Fact(props: { name: string; children: ReactNode }): ReactNode {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function Actions(props: { order: Order }): ReactNode {
  const { order } = props;
  const { steps } = useDesk();
  const [cancelling, setCancelling] = useState(false);
  const role = useRole();
  const state = useStep(order.id);
  const isBusy = state?.phase === 'waiting' || state?.phase === 'sending';
  const mayCancel = mayCancelFor(role, order);
  useCommands({
    step: () => {
      const next = nextStepFor(role, order);
      if (next !== null) steps.take({ order, status: next });
    },
  });
  return (
    <div className="order-actions">
      <Button className="print" onClick={() => window.print()}>
        <PrintIcon /> Print ticket
      </Button>
      {mayCancel && (
        <Button className="cancel" busy={isBusy} onClick={() => setCancelling(true)}>
          Cancel order
        </Button>
      )}
      <StepControl order={order} />
      <CancelDialog
        order={order}
        opened={cancelling && mayCancel}
        onClose={() => setCancelling(false)}
        onConfirm={(note) => {
          setCancelling(false);
          steps.take({ order, status: 'CANCELLED', note });
        }}
      />
    </div>
  );
}
