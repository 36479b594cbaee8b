// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { type ReactNode, useState } from 'react';
import { orderName } from '../desk/step-texts.ts';
import { Button, Dialog, Field } from '../ui.tsx';
import { cancelText } from './refund-texts.ts';

export function CancelDialog(props: {
  order: Order;
  opened: boolean;
  onClose: () => void;
  onConfirm: (note: string) => void;
}): ReactNode {
  const { order, opened, onClose, onConfirm } = props;
  const refund = cancelText(order);
  const [note, setNote] = useState('');
  return (
    <Dialog title={`Cancel order ${orderName(order)}?`} opened={opened} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onConfirm(note.trim());
        }}
      >
        <p>
          The customer is told, and this can’t be undone once it is sent.
          {refund !== null && ` ${refund}`}
        </p>
        <Field label="Reason">
          {(id) => (
            <input
              id={id}
              maxLength={200}
              placeholder="Out of stock"
              value={note}
              onChange={(event) => setNote(event.currentTarget.value)}
            />
          )}
        </Field>
        <p className="dimmed small">The customer reads it in the order’s timeline.</p>
        <div className="button-row end">
          <Button onClick={onClose}>Keep order</Button>
          <Button type="submit" look="danger">
            Cancel order
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
