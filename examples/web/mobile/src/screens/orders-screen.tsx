// SPDX-License-Identifier: MIT

import { problemText, type User } from '@ordercast/client';
import { useNow, useOnline } from '@ordercast/client/react';
import { type ReactNode, useState } from 'react';
import { ActivityIndicator, StyleSheet, Text, View } from 'react-native';
import { useHistory } from '../logic/use-history.ts';
import { ageWords } from '../logic/words.ts';
import { useAccount, useServices } from '../services.ts';
import { radius, space, type, useTheme } from '../theme.ts';
import { Button } from '../ui/button.tsx';
import { ConnectionNote } from '../ui/connection-note.tsx';
// Without an extension: a browser gets `link.web.tsx`.
import { Link } from '../ui/link';
import { Notice } from '../ui/notice.tsx';
import { OrderCards } from '../ui/order-card.tsx';
import { Screen } from '../ui/screen.tsx';
import { Brand } from '../ui/top-line.tsx';

const often = 30_000;

/** All orders of the signed-in user, newest first, by pages. */
export function OrdersScreen(props: { user: User }): ReactNode {
  const theme = useTheme();
  const services = useServices();
  const account = useAccount();
  const state = useHistory();
  const now = useNow(often);
  const isOnline = useOnline();
  const [refreshing, setRefreshing] = useState(false);
  const { orders, problem, fetchedAt, total } = state;
  const { history } = account;

  async function refresh(): Promise<void> {
    setRefreshing(true);
    await history.reload();
    setRefreshing(false);
  }

  const isOld = state.isOld || (!isOnline && orders !== undefined);
  return (
    <Screen
      title="My orders"
      top={
        <>
          <Brand />
          <ConnectionNote />
        </>
      }
      onRefresh={refresh}
      isRefreshing={refreshing}
      offset={account.listOffset}
      onOffset={(offset) => {
        account.listOffset = offset;
      }}
    >
      <View style={styles.bar}>
        <Link
          to={{ page: 'new', again: null }}
          style={[styles.order, { backgroundColor: theme.accent }]}
        >
          <Text style={[type.strong, { color: theme.onAccent }]}>New order</Text>
        </Link>
        <View style={styles.minor}>
          <Button
            title={refreshing ? 'Refreshing' : 'Refresh'}
            look="quiet"
            onPress={() => void refresh()}
          />
          <Button
            title="Sign out"
            label={`Sign out ${props.user.name}`}
            look="quiet"
            onPress={() => void services.signOut()}
          />
        </View>
      </View>
      {isOld && fetchedAt !== null && (
        <Notice
          testID="old"
          tone="busy"
          text={`${isOnline ? 'The server can’t be reached.' : 'You are offline.'} ${ageWords(fetchedAt, now)}`}
        />
      )}
      {problem !== undefined && isOnline && (
        <Notice text={problemText(problem)}>
          <Button title="Try again" look="outline" onPress={() => void refresh()} />
        </Notice>
      )}
      {state.unreadable > 0 && (
        <Notice tone="busy" text="Some orders can’t be shown by this version of the app." />
      )}
      {orders === undefined && problem === undefined && (
        <ActivityIndicator accessibilityLabel="Loading" />
      )}
      {orders?.length === 0 && (
        <Text style={[type.body, { color: theme.muted }]}>
          You have no orders yet. Your first one is a few taps away.
        </Text>
      )}
      {orders !== undefined && orders.length > 0 && <OrderCards orders={orders} now={now} />}
      {state.hasMore && (
        <View style={styles.more}>
          <Button
            title="Show older orders"
            look="outline"
            busy={state.isLoadingMore}
            onPress={() => void history.loadMore()}
          />
        </View>
      )}
      {orders !== undefined && total !== null && total > 0 && (
        <Text style={[type.small, styles.count, { color: theme.muted }]}>
          {orders.length < total ? `${orders.length} of ${total} orders` : `${total} orders`}
        </Text>
      )}
    </Screen>
  );
}

const styles = StyleSheet.create({
  bar: {
    flexDirection: 'row',
    flexWrap: 'wrap',
    alignItems: 'center',
    justifyContent: 'space-between',
    gap: space.small,
  },
  order: {
    minHeight: 48,
    justifyContent: 'center',
    paddingHorizontal: space.large,
    borderRadius: radius.control,
  },
  minor: { flexDirection: 'row', gap: space.tiny },
  more: { alignItems: 'center' },
  count: { textAlign: 'center' },
});
