// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { dateTime, itemsText, money } from '@ordercast/client/format';
import type { ReactNode } from 'react';
import { StyleSheet, Text, useWindowDimensions, View } from 'react-native';
import { estimateWords, isOpen, orderName, refundWords, statusWords } from '../logic/words.ts';
import { space, type, useTheme, wideScreen } from '../theme.ts';
import { useCardStyle } from './card.tsx';
// Without an extension: a browser gets `link.web.tsx`.
import { Link } from './link';
import { StatusBadge } from './status-badge.tsx';

/** Orders as a list; in two columns where there is room. */
export function OrderCards(props: { orders: readonly Order[]; now: number }): ReactNode {
  const isWide = useWindowDimensions().width >= wideScreen;
  return (
    <View role="list" aria-label="Orders" style={styles.list}>
      {props.orders.map((order) => (
        <View role="listitem" key={order.id} style={isWide ? styles.half : styles.whole}>
          <OrderCard order={order} now={props.now} />
        </View>
      ))}
    </View>
  );
}

function OrderCard(props: { order: Order; now: number }): ReactNode {
  const theme = useTheme();
  const card = useCardStyle();
  const { order, now } = props;
  const news = estimateWords(order, now) ?? refundWords(order)?.text;
  return (
    <Link
      to={{ page: 'order', orderId: order.id }}
      isCard
      testID={`order-${order.id}`}
      style={[card, styles.card]}
    >
      <View style={styles.row}>
        <Text style={[type.small, styles.shop, { color: theme.muted }]} numberOfLines={1}>
          {orderName(order)}
          {order.store?.name ? ` · ${order.store.name}` : ''}
        </Text>
        <StatusBadge status={order.status} testID={`status-${order.status}`} />
      </View>
      <View style={styles.words}>
        <Text style={[isOpen(order) ? type.heading : type.strong, { color: theme.text }]}>
          {statusWords(order)}
        </Text>
        {news !== undefined && news !== null && (
          <Text style={[type.small, { color: theme.text }]}>{news}</Text>
        )}
      </View>
      <Text style={[type.small, styles.items, { color: theme.muted }]} numberOfLines={2}>
        {itemsText(order)}
      </Text>
      <View style={styles.row}>
        <Text style={[type.small, { color: theme.muted }]}>{dateTime(order.createdAt)}</Text>
        <Text style={[type.strong, { color: theme.text }]}>{money(order.totalAmount)}</Text>
      </View>
    </Link>
  );
}

const styles = StyleSheet.create({
  list: { flexDirection: 'row', flexWrap: 'wrap', gap: space.medium },
  whole: { width: '100%' },
  half: { flexBasis: '45%', flexGrow: 1, maxWidth: '50%' },
  card: { flexGrow: 1, padding: space.medium, gap: space.small },
  row: {
    flexDirection: 'row',
    alignItems: 'center',
    justifyContent: 'space-between',
    gap: space.small,
  },
  shop: { flexShrink: 1 },
  words: { gap: 2 },
  items: { flexGrow: 1 },
});
