// SPDX-License-Identifier: MIT

import { Button, Group, Modal, Text, TextInput } from '@mantine/core';
import type { Order } from '@ordercast/client';
import { money, shortId } from '@ordercast/client/format';
import { type ReactNode, useState } from 'react';

export function CancelDialog(props: {
  order: Order;
  opened: boolean;
  busy: boolean;
  onClose: () => void;
  onConfirm: (note: string) => void;
}): ReactNode {
  const { order, opened, busy, onClose, onConfirm } = props;
  const [note, setNote] = useState('');
  return (
    <Modal.Root opened={opened} onClose={onClose} centered>
      <Modal.Overlay />
      <Modal.Content>
        {/* Its own element is a header, which would be a second banner of the page. */}
        <div className="dialog-head">
          <Modal.Title>Cancel order {shortId(order.id)}?</Modal.Title>
          <Modal.CloseButton aria-label="Close" />
        </div>
        <Modal.Body>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              onConfirm(note.trim());
            }}
          >
            <Text size="sm" mb="md">
              The customer is told at once, and this can’t be undone.
              {order.paymentStatus === 'PAID' &&
                ` ${money(order.totalAmount)} will have to be refunded.`}
            </Text>
            <TextInput
              label="Reason"
              description="Shown in the order’s timeline"
              placeholder="Out of stock"
              maxLength={200}
              value={note}
              onChange={(event) => setNote(event.currentTarget.value)}
              data-autofocus
            />
            <Group justify="flex-end" mt="lg">
              <Button variant="default" onClick={onClose}>
                Keep order
              </Button>
              <Button type="submit" color="red.9" loading={busy}>
                Cancel order
              </Button>
            </Group>
          </form>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
