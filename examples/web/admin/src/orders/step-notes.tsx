// SPDX-License-Identifier: MIT

import { isConflict, problemText } from '@ordercast/client';
import { type ReactNode, useSyncExternalStore } from 'react';
import { createPortal } from 'react-dom';
import { useDesk } from '../desk/hooks.ts';
import type { LostStep } from '../desk/step-queue.ts';
import { orderName, refusalText } from '../desk/step-texts.ts';
import { Alert } from '../ui.tsx';

const notesId = 'floating-notes';

/**
 * What became of steps that were not made. Each stays until it is dismissed, or its cause is gone. They float: a note
 * that comes must not move what is under a pointer.
 */
export function StepNotes(): ReactNode {
  const { steps } = useDesk();
  const lost = useSyncExternalStore(steps.subscribe, () => steps.lost);
  return (
    <div className="floating-notes" id={notesId}>
      {lost.map((state) => (
        <StepNote key={state.step.order.id} state={state} />
      ))}
    </div>
  );
}

/** Another note, in one stack with these. */
export function FloatingNote(props: { children: ReactNode }): ReactNode {
  const stack = document.getElementById(notesId);
  return stack && createPortal(props.children, stack);
}

function StepNote(props: { state: LostStep }): ReactNode {
  const { state } = props;
  const { steps } = useDesk();
  const { order } = state.step;
  const dismiss = (): void => steps.dismiss(order.id);
  if (state.phase === 'refused') {
    const title = `${orderName(order)}: Somebody else changed this order`;
    return (
      <Alert tone="warning" title={title} onDismiss={dismiss}>
        {refusalText(state.step, state.now)}
        {state.now === null && isConflict(state.problem) && ` ${problemText(state.problem)}`}
      </Alert>
    );
  }
  return (
    <Alert tone="danger" title={`${orderName(order)}: The change failed`} onDismiss={dismiss}>
      {problemText(state.problem)}{' '}
      <button type="button" className="link-button" onClick={() => steps.retry(order.id)}>
        Try again
      </button>
    </Alert>
  );
}
