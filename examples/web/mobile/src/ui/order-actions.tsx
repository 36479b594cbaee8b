// SPDX-License-Identifier: MIT

import { ApiError, mayOwnerCancel, mayPay, type Order, problemText } from '@ordercast/client';
import { money } from '@ordercast/client/format';
import { type ReactNode, useState } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { cancelOutlook } from '../logic/words.ts';
import { useServices } from '../services.ts';
import { space, type, useTheme } from '../theme.ts';
import { Button } from './button.tsx';
import { Card } from './card.tsx';
import { Notice } from './notice.tsx';
import { FocusedText, useFocusHeading } from './screen.tsx';

/** The customer's actions: pay, cancel after a question, order again. */
export function OrderActions(props: { order: Order; offer: (order: Order) => void }): ReactNode {
  const { api, navigation } = useServices();
  const theme = useTheme();
  const focusHeading = useFocusHeading();
  const { order, offer } = props;
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();

  async function act(action: () => Promise<Order>): Promise<void> {
    setBusy(true);
    setProblem(undefined);
    try {
      offer(await action());
      focusHeading(); // The button that was pressed goes away.
    } catch (error) {
      setProblem(problemText(error));
    } finally {
      setAsking(false);
      setBusy(false);
    }
  }

  async function pay(): Promise<Order> {
    const bill = await api.createPayment(order.id);
    // With a payment provider, its page would open here and return a payment.
    if (bill.testPayment === null)
      throw new ApiError(0, 'No Provider', 'Payments are not set up on this server');
    return api.verifyPayment(order.id, bill.testPayment);
  }

  function keep(): void {
    setAsking(false);
    focusHeading();
  }

  const mayCancel = mayOwnerCancel(order);
  return (
    <View style={styles.actions}>
      {problem !== undefined && <Notice text={problem} />}
      {mayPay(order) && !asking && (
        <Button
          title={`Pay ${money(order.totalAmount)}`}
          onPress={() => void act(pay)}
          busy={busy}
        />
      )}
      {mayCancel && asking && (
        <Card>
          <FocusedText>Cancel this order? This can’t be undone.</FocusedText>
          <Text testID="outlook" style={[type.body, { color: theme.text }]}>
            {cancelOutlook(order)}
          </Text>
          <Button
            title="Yes, cancel it"
            look="danger"
            onPress={() => void act(() => api.cancelOrder(order.id))}
            busy={busy}
          />
          <Button title="Keep it" look="outline" onPress={keep} />
        </Card>
      )}
      {!asking && (
        <Button
          title="Order again"
          look="outline"
          onPress={() => navigation.open({ page: 'new', again: order.id })}
        />
      )}
      {mayCancel && !asking && (
        <Button
          title="Cancel order"
          look="danger"
          onPress={() => setAsking(true)}
          disabled={busy}
        />
      )}
    </View>
  );
}

const styles = StyleSheet.create({ actions: { gap: space.small } });
