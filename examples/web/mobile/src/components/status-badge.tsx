// SPDX-License-Identifier: MIT

import type { OrderStatus } from '@ordercast/client';
import { statusNames } from '@ordercast/client/format';
import type { ReactNode } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { radius, useTheme } from '../theme.ts';

export function StatusBadge(props: { status: OrderStatus; testID?: string }): ReactNode {
  const [color, backgroundColor] = useTheme().status[props.status];
  return (
    <View style={[styles.badge, { backgroundColor }]} testID={props.testID}>
      <Text style={[styles.text, { color }]}>{statusNames[props.status]}</Text>
    </View>
  );
}

const styles = StyleSheet.create({
  badge: { borderRadius: radius.pill, paddingHorizontal: 10, paddingVertical: 4 },
  text: { fontSize: 13, fontWeight: '600' },
});
