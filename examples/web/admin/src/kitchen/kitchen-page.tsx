// SPDX-License-Identifier: MIT

import { type Order, problemText } from '@ordercast/client';
import { paymentText, secondsUntil, stepNames } from '@ordercast/client/format';
import { useNow } from '@ordercast/client/react';
import { Fragment, type ReactNode, useEffect, useLayoutEffect, useRef } from 'react';
import { ageTone, stopwatch } from '../desk/age.ts';
import { ClickGuard } from '../desk/click-guard.ts';
import { useDesk, useRole, useSettings, useStep, useUnseen } from '../desk/hooks.ts';
import { nextStepFor } from '../desk/permissions.ts';
import { orderLabel, orderName } from '../desk/step-texts.ts';
import { useResting } from '../desk/use-resting.ts';
import { FloatingNote } from '../orders/step-notes.tsx';
import { useList } from '../orders/use-list.ts';
import { now } from '../services.ts';
import { useAnnounce } from '../shell/announcer.tsx';
import { useTitle } from '../shell/bell.tsx';
import { useCommands } from '../shell/use-commands.ts';
import { useMedia } from '../shell/use-media.ts';
import { Alert, Skeleton } from '../ui.tsx';
import { columnsOf, isUnpaidOnline, kitchenStatuses, meaningOf } from './board.ts';

const query = { statuses: kitchenStatuses, sortOrder: 'asc', page: 1, pageSize: 100 } as const;

/** Where the columns may stand below each other: kitchen.css. */
const stacked = window.matchMedia('(max-width: 960px)');

/** For a screen on a wall: what is to be cooked, readable from two metres, moved on by a tap. */
export function KitchenPage(): ReactNode {
  const { feed, reload } = useList(query, 'kitchen', {});
  const { steps } = useDesk();
  const announce = useAnnounce();
  useTitle('Kitchen');
  useScreenAwake();
  useCommands({
    undo: () => {
      const step = steps.undoLatest();
      if (step) announce(`${orderName(step.order)}: undone`);
    },
  });
  const { orders, meta, problem } = feed;
  const showsShop = new Set(orders?.map(({ storeId }) => storeId)).size > 1;
  const columns = columnsOf(orders ?? []);
  const isStacked = useMedia(stacked);
  const left = (meta?.total ?? 0) - (meta?.pageSize ?? 0);
  return (
    <div className="kitchen">
      <h1 className="sr-only" data-focus-home tabIndex={-1}>
        Kitchen
      </h1>
      {problem !== undefined && (
        <FloatingNote>
          <Alert tone="danger">
            {problemText(problem)} This board may be out of date. We keep trying.{' '}
            <button type="button" className="link-button" onClick={() => void reload()}>
              Try again
            </button>
          </Alert>
        </FloatingNote>
      )}
      {orders === undefined && problem === undefined && <Skeleton rows={4} height={120} />}
      {orders !== undefined && (
        <div className="kitchen-columns">
          {columns.map((column) => (
            <section key={column.name} className="kitchen-column" aria-label={column.name}>
              <h2 data-focus-home tabIndex={-1}>
                {column.name} <span className="kitchen-count">{column.count}</span>
              </h2>
              {column.groups.length === 0 && <p className="dimmed kitchen-none">Nothing here</p>}
              {column.groups.map((group) => (
                <Fragment key={group.name}>
                  {group.name !== null && <h3 className="kitchen-group">{group.name}</h3>}
                  {group.orders.map((order) => (
                    <Card
                      key={order.id}
                      order={order}
                      showsShop={showsShop}
                      meaningAt={(step) =>
                        meaningOf(isStacked ? columns : [column], order.id, step)
                      }
                    />
                  ))}
                </Fragment>
              ))}
            </section>
          ))}
        </div>
      )}
      {/* At the end: it must not move a card under a finger. */}
      {left > 0 && (
        <Alert tone="warning" role="status">
          {left} more wait behind these.
        </Alert>
      )}
    </div>
  );
}

function Card(props: {
  order: Order;
  showsShop: boolean;
  meaningAt: (step: string) => string;
}): ReactNode {
  const { order, showsShop, meaningAt } = props;
  const { steps, open } = useDesk();
  const state = useStep(order.id);
  const isNew = useUnseen().has(order.id);
  const isUnpaid = isUnpaidOnline(order);
  const offered = nextStepFor(useRole(), order);
  const next = isUnpaid ? null : offered;
  // A card comes where another was: in its column, or in the group of it that fits.
  const guard = useRef(new ClickGuard(true));
  const bump = useRef<HTMLButtonElement>(null);
  const isWaiting = state?.phase === 'waiting';
  const isBusy = isWaiting || state?.phase === 'sending';
  const meaning = meaningAt(isBusy ? 'busy' : (next ?? 'nothing'));
  useLayoutEffect(() => guard.current.means(meaning, now()), [meaning]);
  const isResting = useResting(meaning, true);
  const target = isBusy ? state.step.status : next;
  return (
    <article
      className="kitchen-card"
      aria-label={`Order ${showsShop ? orderLabel(order) : orderName(order)}`}
      data-order-id={order.id}
      data-new={isNew || undefined}
      data-unsent={isBusy || undefined}
      data-unpaid={isUnpaid || undefined}
    >
      <button
        type="button"
        ref={bump}
        className="kitchen-bump"
        aria-disabled={isBusy || isResting || next === null || undefined}
        onClick={() => {
          if (isBusy || next === null || !guard.current.click(now())) return;
          steps.take({ order, status: next });
          open(order.id);
        }}
      >
        <span className="kitchen-head">
          <span className="kitchen-number">{orderName(order)}</span>
          <Timer order={order} />
        </span>
        <span className="kitchen-items">
          {order.items.map((item) => (
            <span key={item.id} className="kitchen-item">
              <b>{item.quantity}</b> {item.name}
            </span>
          ))}
        </span>
        {order.note && <span className="note">{order.note}</span>}
        <span className="kitchen-foot">
          <span>
            {order.fulfillmentType === 'PICKUP' ? 'Pick-up' : 'Delivery'}
            {showsShop && order.store?.name && ` · ${order.store.name}`}
          </span>
          {isUnpaid && <span className="strong">{paymentText(order)}</span>}
          {target !== null && <span className="kitchen-step">{stepNames[target]}</span>}
        </span>
      </button>
      {state?.phase === 'waiting' && (
        <button
          type="button"
          className="button kitchen-undo"
          onClick={() => {
            // Not with the second half of the tap that has bumped it.
            if (!guard.current.click(now())) return;
            steps.undo(order.id);
            bump.current?.focus();
          }}
        >
          Undo <Countdown until={state.sendAt} />
        </button>
      )}
    </article>
  );
}

function Countdown(props: { until: number }): ReactNode {
  const time = useNow(250, now);
  return <span aria-hidden="true">{secondsUntil(props.until, time)}</span>;
}

function Timer(props: { order: Order }): ReactNode {
  const { order } = props;
  const time = useNow(1000);
  return (
    <span className="age kitchen-timer" data-age={ageTone(order, time, useSettings())}>
      {stopwatch(order.createdAt, time)}
    </span>
  );
}

/** Keeps the screen on while the board is shown, if the device lets us. */
function useScreenAwake(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | null = null;
    let isOver = false;
    const ask = async (): Promise<void> => {
      if (isOver || document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
      try {
        lock = await navigator.wakeLock.request('screen');
        if (isOver) await lock.release();
      } catch {
        // A low battery, or a browser that does not.
      }
    };
    const again = (): void => void ask();
    document.addEventListener('visibilitychange', again);
    again();
    return () => {
      isOver = true;
      document.removeEventListener('visibilitychange', again);
      void lock?.release().catch(() => undefined);
    };
  }, []);
}
