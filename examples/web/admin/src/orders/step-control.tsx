// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { secondsUntil, stepNames } from '@ordercast/client/format';
import { useNow } from '@ordercast/client/react';
import { type ReactNode, useLayoutEffect, useRef } from 'react';
import { ClickGuard } from '../desk/click-guard.ts';
import { useDesk, useRole, useStep } from '../desk/hooks.ts';
import { nextStepFor } from '../desk/permissions.ts';
import { orderName } from '../desk/step-texts.ts';
import { useResting } from '../desk/use-resting.ts';
import { now } from '../services.ts';
import { Button } from '../ui.tsx';

/**
 * The next step of an order, in a slot of one size, with its undo in a slot of its own: whatever happens to the order,
 * a second click at the same place does nothing.
 */
export function StepControl(props: {
  order: Order;
  /** Names the order to a screen reader where several are listed. */
  name?: string;
}): ReactNode {
  const { order, name } = props;
  const { steps, open } = useDesk();
  const state = useStep(order.id);
  const next = nextStepFor(useRole(), order);
  const guard = useRef(new ClickGuard());
  const button = useRef<HTMLButtonElement>(null);
  const isWaiting = state?.phase === 'waiting';
  const isBusy = isWaiting || state?.phase === 'sending';
  const meaning = isBusy ? 'busy' : (next ?? 'nothing');
  useLayoutEffect(() => guard.current.means(meaning, now()), [meaning]);
  const isResting = useResting(meaning);
  const target = isBusy ? state.step.status : next;

  return (
    <div className="step">
      <span className="step-undo">
        {isWaiting && (
          <Button
            className="small"
            onClick={() => {
              steps.undo(order.id);
              button.current?.focus();
            }}
            aria-label={name && `Undo ${name}`}
          >
            Undo
          </Button>
        )}
      </span>
      {target === null ? (
        <span className="step-slot" />
      ) : (
        <Button
          ref={button}
          className="step-slot"
          look={isBusy ? 'quiet' : 'primary'}
          busy={isBusy || isResting}
          data-step={target}
          aria-label={
            isBusy
              ? `${stepNames[target]} ${name ?? orderName(order)}: not sent yet`
              : name && `${stepNames[target]} ${name}`
          }
          onClick={() => {
            if (next === null || !guard.current.click(now())) return;
            steps.take({ order, status: next });
            open(order.id);
          }}
        >
          {state?.phase === 'waiting' ? (
            <Countdown until={state.sendAt} />
          ) : isBusy ? (
            'Sending…'
          ) : (
            stepNames[target]
          )}
        </Button>
      )}
    </div>
  );
}

function Countdown(props: { until: number }): ReactNode {
  const time = useNow(250, now);
  return <>Sent in {secondsUntil(props.until, time)} s</>;
}
