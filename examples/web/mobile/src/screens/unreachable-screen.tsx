// SPDX-License-Identifier: MIT

import { type ReactNode, useEffect, useState } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import type { OrderHistory } from '../logic/order-history.ts';
import { ageWords } from '../logic/words.ts';
import { useRoute, useServices } from '../services.ts';
import { space, type, useTheme } from '../theme.ts';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';
import { OrderCards } from '../ui/order-card.tsx';
import { OrderDetails } from '../ui/order-details.tsx';
import { Screen } from '../ui/screen.tsx';
import { Brand } from '../ui/top-line.tsx';

/** Shown while a user is signed in but the server can't be reached: what was known last. The session retries by itself. */
export function UnreachableScreen(props: { reason: string }): ReactNode {
  const theme = useTheme();
  const services = useServices();
  const route = useRoute();
  const [history, setHistory] = useState<OrderHistory | null>(null);
  useEffect(() => {
    let isCurrent = true;
    void services.lastHistory().then((found) => isCurrent && setHistory(found));
    return () => {
      isCurrent = false;
    };
  }, [services]);
  const { orders = [], fetchedAt = null } = history?.getState() ?? {};
  const order = route.page === 'order' ? history?.find(route.orderId) : undefined;
  return (
    <Screen title="No connection" top={<Brand />}>
      <Notice text={props.reason.replace(/\.?$/, '.')} testID="unreachable">
        <Text style={[type.body, { color: theme.text }]}>
          You are still signed in. We keep trying.
          {fetchedAt !== null && orders.length > 0 && ` ${ageWords(fetchedAt, Date.now())}`}
        </Text>
        <View style={styles.actions}>
          <Button title="Try now" onPress={() => void services.session.retry()} />
          <Button title="Sign out" look="outline" onPress={() => void services.signOut()} />
        </View>
      </Notice>
      {order !== undefined ? (
        <OrderDetails order={order} />
      ) : (
        <OrderCards orders={orders} now={Date.now()} />
      )}
    </Screen>
  );
}

const styles = StyleSheet.create({
  actions: { flexDirection: 'row', flexWrap: 'wrap', gap: space.small },
});
