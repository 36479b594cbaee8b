// SPDX-License-Identifier: MIT

import { ApiError, mayOwnerCancel, mayPay, type Order, problemText } from '@ordercast/client';
import { dateTime, money, paymentText, shortId } from '@ordercast/client/format';
import { useOrder } from '@ordercast/client/react';
import { type ReactNode, useState } from 'react';
import {
  ActivityIndicator,
  Pressable,
  RefreshControl,
  ScrollView,
  StyleSheet,
  Text,
  View,
} from 'react-native';
import { Button } from '../components/button.tsx';
import { ConnectionNote } from '../components/connection-note.tsx';
import { Header } from '../components/header.tsx';
import { StatusBadge } from '../components/status-badge.tsx';
import { Timeline } from '../components/timeline.tsx';
import { useServices } from '../services.ts';
import { radius, space, useTheme } from '../theme.ts';

export function OrderScreen(props: { orderId: string; onBack: () => void }): ReactNode {
  const theme = useTheme();
  const { order, problem, refresh, offer } = useOrder(props.orderId);
  const [refreshing, setRefreshing] = useState(false);

  async function pull(): Promise<void> {
    setRefreshing(true);
    await refresh();
    setRefreshing(false);
  }

  return (
    <View style={styles.screen}>
      <Header>
        <Pressable accessibilityRole="button" onPress={props.onBack} hitSlop={12}>
          <Text style={[styles.back, { color: theme.accent }]}>‹ Orders</Text>
        </Pressable>
        <ConnectionNote />
      </Header>
      <ScrollView
        contentContainerStyle={styles.page}
        refreshControl={<RefreshControl refreshing={refreshing} onRefresh={() => void pull()} />}
      >
        {problem !== undefined && (
          <View style={styles.actions}>
            <Text style={{ color: theme.danger }} accessibilityRole="alert">
              {problemText(problem)}
            </Text>
            <Button title="Try again" look="outline" onPress={() => void pull()} />
          </View>
        )}
        {order === undefined ? (
          problem === undefined && <ActivityIndicator accessibilityLabel="Loading" />
        ) : (
          <Details order={order} offer={offer} />
        )}
      </ScrollView>
    </View>
  );
}

function Details(props: { order: Order; offer: (order: Order) => void }): ReactNode {
  const theme = useTheme();
  const { order } = props;
  const card = [styles.card, { backgroundColor: theme.card, borderColor: theme.border }];
  return (
    <View style={styles.details} testID="order-detail">
      <View style={styles.row}>
        <Text style={[styles.title, { color: theme.text }]} accessibilityRole="header">
          Order {shortId(order.id)}
        </Text>
        <StatusBadge status={order.status} testID={`status-${order.status}`} />
      </View>
      <View style={card}>
        <Timeline order={order} />
      </View>
      <View style={card}>
        {order.items.map((item) => (
          <View style={styles.row} key={item.id}>
            <Text style={[styles.text, styles.name, { color: theme.text }]}>
              {item.quantity} × {item.name}
            </Text>
            <Text style={[styles.text, { color: theme.text }]}>{money(item.totalPrice)}</Text>
          </View>
        ))}
        <View style={[styles.row, styles.sum, { borderColor: theme.border }]}>
          <Text style={[styles.total, { color: theme.text }]}>Total</Text>
          <Text style={[styles.total, { color: theme.text }]}>{money(order.totalAmount)}</Text>
        </View>
        <Text style={[styles.note, { color: theme.muted }]}>
          {paymentText(order)} · ordered {dateTime(order.createdAt)}
        </Text>
      </View>
      <Actions order={order} offer={props.offer} />
    </View>
  );
}

/** The customer's actions: pay, and cancel after a confirmation. */
function Actions(props: { order: Order; offer: (order: Order) => void }): ReactNode {
  const { api } = useServices();
  const theme = useTheme();
  const { order, offer } = props;
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();

  async function act(action: () => Promise<Order>): Promise<void> {
    setBusy(true);
    setProblem(undefined);
    try {
      offer(await action());
      setAsking(false);
    } catch (error) {
      setProblem(problemText(error));
    } finally {
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

  return (
    <View style={styles.actions}>
      {problem !== undefined && (
        <Text style={{ color: theme.danger }} accessibilityRole="alert">
          {problem}
        </Text>
      )}
      {mayPay(order) && (
        <Button
          title={`Pay ${money(order.totalAmount)}`}
          onPress={() => void act(pay)}
          busy={busy}
        />
      )}
      {mayOwnerCancel(order) && !asking && (
        <Button
          title="Cancel order"
          look="danger"
          onPress={() => setAsking(true)}
          disabled={busy}
        />
      )}
      {mayOwnerCancel(order) && asking && (
        <View style={styles.actions}>
          <Text style={[styles.question, { color: theme.text }]} accessibilityRole="alert">
            Cancel this order? This can’t be undone.
          </Text>
          <Button
            title="Yes, cancel it"
            look="danger"
            onPress={() => void act(() => api.cancelOrder(order.id))}
            busy={busy}
          />
          <Button title="Keep it" look="outline" onPress={() => setAsking(false)} />
        </View>
      )}
    </View>
  );
}

const styles = StyleSheet.create({
  screen: { flex: 1 },
  back: { fontSize: 17, fontWeight: '600' },
  page: { padding: space.large },
  details: { gap: space.medium },
  row: { flexDirection: 'row', alignItems: 'center', justifyContent: 'space-between', gap: 12 },
  title: { fontSize: 22, fontWeight: '800' },
  card: { borderRadius: radius.card, borderWidth: 1, padding: space.large, gap: space.small },
  text: { fontSize: 15 },
  name: { flexShrink: 1 },
  sum: { borderTopWidth: 1, paddingTop: space.small, marginTop: 4 },
  total: { fontSize: 17, fontWeight: '700' },
  note: { fontSize: 13 },
  actions: { gap: space.small },
  question: { fontSize: 16, fontWeight: '600' },
});
