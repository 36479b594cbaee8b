// SPDX-License-Identifier: MIT

import { isKnownStatus } from '@ordercast/client';
import { statusName } from '@ordercast/client/format';
import type { ReactNode } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { radius, useTheme } from '../theme.ts';

export function StatusBadge(props: { status: string; testID?: string }): ReactNode {
  const theme = useTheme();
  const { status } = props;
  const [color, backgroundColor] = isKnownStatus(status)
    ? theme.status[status]
    : [theme.muted, theme.border];
  return (
    <View style={[styles.badge, { backgroundColor }]} testID={props.testID}>
      <Text style={[styles.text, { color }]}>{statusName(props.status)}</Text>
    </View>
  );
}

const styles = StyleSheet.create({
  badge: { borderRadius: radius.pill, paddingHorizontal: 10, paddingVertical: 4, flexShrink: 0 },
  text: { fontSize: 13, fontWeight: '600' },
});
