// SPDX-License-Identifier: MIT

import { type Order, problemText, type User } from '@ordercast/client';
import { dateTime, itemsText, money, shortId } from '@ordercast/client/format';
import { useOrderList } from '@ordercast/client/react';
import { type ReactNode, useState } from 'react';
import {
  ActivityIndicator,
  FlatList,
  Platform,
  Pressable,
  RefreshControl,
  StyleSheet,
  Text,
  View,
} from 'react-native';
import { Button } from '../components/button.tsx';
import { ConnectionNote } from '../components/connection-note.tsx';
import { Header } from '../components/header.tsx';
import { StatusBadge } from '../components/status-badge.tsx';
import { useServices } from '../services.ts';
import { radius, space, useTheme } from '../theme.ts';

/** The newest orders; scrolling to the end loads more. */
const step = 20;
const most = 100;

export function OrdersScreen(props: { user: User; onOpen: (orderId: string) => void }): ReactNode {
  const theme = useTheme();
  const services = useServices();
  const [pageSize, setPageSize] = useState(step);
  const [refreshing, setRefreshing] = useState(false);
  const list = useOrderList({
    list: services.listOrders,
    query: { status: null, page: 1, pageSize },
  });

  async function refresh(): Promise<void> {
    setRefreshing(true);
    await list.reload();
    setRefreshing(false);
  }

  const hasMore = (list.meta?.total ?? 0) > pageSize && pageSize < most;
  return (
    <View style={styles.screen}>
      <Header>
        <View style={styles.heading}>
          <Text style={[styles.title, { color: theme.text }]} accessibilityRole="header">
            My orders
          </Text>
          <ConnectionNote />
        </View>
        {Platform.OS === 'web' && (
          // A browser has no pull-to-refresh.
          <Pressable accessibilityRole="button" onPress={() => void refresh()} hitSlop={10}>
            <Text style={[styles.link, { color: theme.accent }]}>
              {refreshing ? 'Refreshing' : 'Refresh'}
            </Text>
          </Pressable>
        )}
        <Pressable
          accessibilityRole="button"
          accessibilityLabel={`Sign out ${props.user.name}`}
          onPress={() => void services.signOut()}
          hitSlop={10}
        >
          <Text style={[styles.link, { color: theme.accent }]}>Sign out</Text>
        </Pressable>
      </Header>
      {list.problem !== undefined && (
        <View style={styles.problem}>
          <Text style={{ color: theme.danger }} accessibilityRole="alert">
            {problemText(list.problem)}
          </Text>
          <Button title="Try again" look="outline" onPress={() => void list.reload()} />
        </View>
      )}
      {list.unreadable > 0 && (
        <Text style={[styles.problem, { color: theme.muted }]} accessibilityRole="alert">
          Some orders can’t be shown by this version of the app.
        </Text>
      )}
      <FlatList
        data={list.orders ?? []}
        keyExtractor={(order) => order.id}
        renderItem={({ item }) => <OrderCard order={item} onOpen={() => props.onOpen(item.id)} />}
        contentContainerStyle={styles.list}
        refreshControl={<RefreshControl refreshing={refreshing} onRefresh={() => void refresh()} />}
        onEndReached={() => hasMore && setPageSize(Math.min(most, pageSize + step))}
        ListEmptyComponent={
          list.orders === undefined ? (
            <ActivityIndicator accessibilityLabel="Loading" style={styles.empty} />
          ) : (
            <Text style={[styles.empty, { color: theme.muted }]}>You have no orders yet.</Text>
          )
        }
      />
    </View>
  );
}

function OrderCard(props: { order: Order; onOpen: () => void }): ReactNode {
  const theme = useTheme();
  const { order } = props;
  return (
    <Pressable
      accessibilityRole="button"
      testID={`order-${order.id}`}
      onPress={props.onOpen}
      style={({ pressed }) => [
        styles.card,
        { backgroundColor: theme.card, borderColor: theme.border },
        pressed && styles.pressed,
      ]}
    >
      <View style={styles.row}>
        <Text style={[styles.id, { color: theme.text }]}>{shortId(order.id)}</Text>
        <StatusBadge status={order.status} testID={`status-${order.status}`} />
      </View>
      <Text style={[styles.items, { color: theme.text }]} numberOfLines={2}>
        {itemsText(order)}
      </Text>
      <View style={styles.row}>
        <Text style={[styles.detail, { color: theme.muted }]}>{dateTime(order.createdAt)}</Text>
        <Text style={[styles.total, { color: theme.text }]}>{money(order.totalAmount)}</Text>
      </View>
    </Pressable>
  );
}

const styles = StyleSheet.create({
  screen: { flex: 1 },
  heading: { gap: 4, flexGrow: 1 },
  title: { fontSize: 26, fontWeight: '800' },
  link: { fontSize: 15, fontWeight: '600' },
  problem: { padding: space.large, gap: space.small },
  list: { padding: space.medium, gap: space.medium },
  empty: { marginTop: 48, textAlign: 'center', fontSize: 16 },
  card: { borderRadius: radius.card, borderWidth: 1, padding: space.medium, gap: space.small },
  pressed: { opacity: 0.7 },
  row: { flexDirection: 'row', alignItems: 'center', justifyContent: 'space-between' },
  id: { fontSize: 16, fontWeight: '700' },
  items: { fontSize: 15, lineHeight: 21 },
  detail: { fontSize: 13 },
  total: { fontSize: 16, fontWeight: '700' },
});
