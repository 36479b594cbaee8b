// SPDX-License-Identifier: MIT

import { Alert, Button, Skeleton, Title } from '@mantine/core';
import { isConflict, mayStaffCancel, nextStatus, type Order, problemText } from '@ordercast/client';
import {
  dateTime,
  money,
  paymentText,
  shortId,
  statusName,
  stepNames,
} from '@ordercast/client/format';
import { useOrder } from '@ordercast/client/react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { BackIcon, BagIcon, TruckIcon, WarningIcon } from '../icons.tsx';
import { useAnnounce } from '../shell/announcer.tsx';
import { StatusPill } from '../status-pill.tsx';
import { TableHead } from '../table-head.tsx';
import { useStatusChange } from '../use-status-change.ts';
import { CancelDialog } from './cancel-dialog.tsx';
import { ProgressPath } from './progress-path.tsx';
import { StatusTimeline } from './status-timeline.tsx';

const itemColumns = { Item: '', Quantity: 'number', Each: 'number each', Total: 'number' };

/** An order and the actions on it. */
interface OrderProps {
  order: Order;
  /** Hands in a newer state of the order. */
  offer: (order: Order) => void;
  refresh: () => Promise<void>;
}

export function OrderPage(props: { orderId: string }): ReactNode {
  const { orderId } = props;
  const { order, problem, refresh, offer } = useOrder(orderId);
  useEffect(() => {
    const status = order === undefined ? '' : ` · ${statusName(order.status)}`;
    document.title = `${shortId(orderId)}${status} · ordercast`;
  }, [orderId, order]);
  useAnnouncedStatus(order);

  return (
    <>
      <a className="back" href="#/orders">
        <BackIcon /> All orders
      </a>
      {problem !== undefined && (
        <Alert color="red" icon={<WarningIcon />} className="problem" mb="md" role="alert">
          {problemText(problem)}
          {order !== undefined && ' This page may be out of date. '}
          <Button variant="subtle" size="compact-sm" color="red" onClick={() => void refresh()}>
            Try again
          </Button>
        </Alert>
      )}
      {order === undefined && problem === undefined && (
        <div className="panel loading" role="status" aria-label="Loading">
          <Skeleton height={34} width={260} />
          <Skeleton height={90} />
          <Skeleton height={160} />
        </div>
      )}
      {order !== undefined && <Details order={order} offer={offer} refresh={refresh} />}
    </>
  );
}

/** Announces each change after the first state. */
function useAnnouncedStatus(order: Order | undefined): void {
  const announce = useAnnounce();
  const version = order?.version;
  const seen = useRef(version);
  const text = order && `Order ${shortId(order.id)}: ${statusName(order.status)}`;
  useEffect(() => {
    if (seen.current !== undefined && version !== seen.current && text) announce(text);
    seen.current = version;
  }, [announce, version, text]);
}

function Details(props: OrderProps): ReactNode {
  const { order, offer, refresh } = props;
  const pickup = order.fulfillmentType === 'PICKUP';
  return (
    <article aria-label={`Order ${shortId(order.id)}`} data-order-id={order.id}>
      <header className="order-head">
        <div>
          <div className="order-title">
            <Title order={1} size="h2">
              {shortId(order.id)}
            </Title>
            <StatusPill key={order.version} status={order.status} large />
          </div>
          <p className="dimmed order-sub">
            Placed {dateTime(order.createdAt)} by {order.userId} at {order.storeId}
          </p>
        </div>
        <Actions order={order} offer={offer} refresh={refresh} />
      </header>
      <section className="panel" aria-label="Progress">
        <ProgressPath order={order} />
      </section>
      <div className="order-columns">
        <section className="panel" aria-labelledby="items-title">
          <h2 id="items-title" className="panel-title">
            Items
          </h2>
          <table className="items">
            <TableHead columns={itemColumns} />
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
          <dl className="facts">
            <Fact name="Payment">
              {paymentText(order)}
              {order.paymentMethod === 'ONLINE' && <span className="dimmed"> · online</span>}
            </Fact>
            <Fact name={pickup ? 'Pick-up' : 'Delivery'}>
              <span className="fact-icon">{pickup ? <BagIcon /> : <TruckIcon />}</span>
              {pickup ? 'Picked up by the customer' : (order.deliveryAddress ?? 'No address given')}
            </Fact>
            {order.note !== null && <Fact name="Note">{order.note}</Fact>}
          </dl>
        </section>
        <section className="panel" aria-labelledby="timeline-title">
          <h2 id="timeline-title" className="panel-title">
            Timeline
          </h2>
          <StatusTimeline logs={order.statusLogs} />
          <p className="dimmed version">Version {order.version}</p>
        </section>
      </div>
    </article>
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

function Actions(props: OrderProps): ReactNode {
  const { order, offer, refresh } = props;
  const [cancelling, setCancelling] = useState(false);
  const change = useStatusChange(order.id, offer, (problem) => {
    if (isConflict(problem)) void refresh();
  });
  const next = nextStatus(order);

  return (
    <div className="order-actions">
      {change.problem !== undefined && (
        <Alert
          color="orange"
          icon={<WarningIcon />}
          className="problem"
          role="alert"
          withCloseButton
          closeButtonLabel="Dismiss"
          onClose={change.clear}
          title={
            isConflict(change.problem) ? 'Somebody else changed this order' : 'The change failed'
          }
        >
          {problemText(change.problem)}
          {isConflict(change.problem) && ' This page shows its current state.'}
        </Alert>
      )}
      <div className="order-buttons">
        {mayStaffCancel(order) && (
          <Button variant="default" className="danger" onClick={() => setCancelling(true)}>
            Cancel order
          </Button>
        )}
        {next !== null && (
          <Button loading={change.busy && !cancelling} onClick={() => void change.run(next)}>
            {stepNames[next]}
          </Button>
        )}
      </div>
      <CancelDialog
        order={order}
        opened={cancelling}
        busy={change.busy}
        onClose={() => setCancelling(false)}
        onConfirm={(note) => {
          void change.run('CANCELLED', note).then(() => setCancelling(false));
        }}
      />
    </div>
  );
}
