// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { dateTime, money } from '@ordercast/client/format';
import { useNow } from '@ordercast/client/react';
import type { ReactNode } from 'react';
import { StyleSheet, Text, useWindowDimensions, View } from 'react-native';
import {
  estimateWords,
  paymentWords,
  placeWords,
  refundWords,
  statusWords,
} from '../logic/words.ts';
import { space, type, useTheme, wideScreen } from '../theme.ts';
import { Card } from './card.tsx';
import { Notice } from './notice.tsx';
import { Subheading } from './screen.tsx';
import { StatusBadge } from './status-badge.tsx';
import { Timeline } from './timeline.tsx';

const often = 15_000;

/** Everything about an order; `children` are what can be done with it. */
export function OrderDetails(props: { order: Order; children?: ReactNode }): ReactNode {
  const isWide = useWindowDimensions().width >= wideScreen;
  const { order } = props;
  return (
    <View testID="order-detail" style={[styles.details, isWide && styles.wide]}>
      <View style={isWide ? styles.column : styles.whole}>
        <Now order={order} />
        <Card>
          <Timeline order={order} />
        </Card>
      </View>
      <View style={isWide ? styles.column : styles.whole}>
        <Bill order={order} />
        {props.children}
      </View>
    </View>
  );
}

function Now(props: { order: Order }): ReactNode {
  const theme = useTheme();
  const now = useNow(often);
  const { order } = props;
  const estimate = estimateWords(order, now);
  const refund = refundWords(order);
  const tone = refund && ({ done: 'good', busy: 'busy', off: 'bad' } as const)[refund.tone];
  return (
    <Card>
      <View style={styles.badge}>
        <StatusBadge status={order.status} testID={`status-${order.status}`} />
      </View>
      <Text role="status" style={[type.lead, { color: theme.text }]}>
        {statusWords(order)}
      </Text>
      {estimate !== null && (
        <Text testID="estimate" style={[type.body, { color: theme.text }]}>
          {estimate}
        </Text>
      )}
      <Text style={[type.body, styles.wraps, { color: theme.muted }]}>{placeWords(order)}</Text>
      {refund !== null && tone && <Notice text={refund.text} tone={tone} testID="refund" />}
    </Card>
  );
}

function Bill(props: { order: Order }): ReactNode {
  const theme = useTheme();
  const { order } = props;
  return (
    <Card>
      <Subheading>{order.store?.name ?? 'Your order'}</Subheading>
      <View role="list" aria-label="Items" style={styles.items}>
        {order.items.map((item) => (
          <View role="listitem" style={styles.row} key={item.id}>
            <Text style={[type.body, styles.name, { color: theme.text }]}>
              {item.quantity} × {item.name}
            </Text>
            <Text style={[type.body, { color: theme.text }]}>{money(item.totalPrice)}</Text>
          </View>
        ))}
      </View>
      <View style={[styles.row, styles.sum, { borderColor: theme.border }]}>
        <Text style={[type.strong, { color: theme.text }]}>Total</Text>
        <Text style={[type.heading, { color: theme.text }]}>{money(order.totalAmount)}</Text>
      </View>
      <Text style={[type.small, { color: theme.muted }]}>
        {paymentWords(order)} · ordered {dateTime(order.createdAt)}
      </Text>
      {order.note !== null && order.note !== '' && (
        <Text style={[type.small, styles.wraps, { color: theme.muted }]}>
          Your note: {order.note}
        </Text>
      )}
      {order.store?.phone && (
        <Text style={[type.small, { color: theme.muted }]}>Questions? {order.store.phone}</Text>
      )}
    </Card>
  );
}

const styles = StyleSheet.create({
  details: { gap: space.medium },
  wide: { flexDirection: 'row', alignItems: 'flex-start', gap: space.large },
  column: { flexGrow: 1, flexShrink: 1, flexBasis: 0, gap: space.medium },
  whole: { gap: space.medium },
  badge: { flexDirection: 'row' },
  items: { gap: space.small },
  row: { flexDirection: 'row', justifyContent: 'space-between', gap: 12 },
  name: { flexShrink: 1 },
  wraps: { overflow: 'hidden' },
  sum: { borderTopWidth: 1, paddingTop: space.small, alignItems: 'center' },
});
