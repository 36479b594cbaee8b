// SPDX-License-Identifier: MIT

import { connectionText, secondsUntil } from '@ordercast/client/format';
import { useConnectionState, useNow, useOnline, useOrderClient } from '@ordercast/client/react';
import type { ReactNode } from 'react';
import { Pressable, StyleSheet, Text, View } from 'react-native';
import { useTheme } from '../theme.ts';

/** Always visible: says whether the screen is live. */
export function ConnectionNote(): ReactNode {
  const theme = useTheme();
  const state = useConnectionState();
  const online = useOnline();
  const client = useOrderClient();
  const { tone, text, retryAt } = connectionText(state, online);
  const color = { live: theme.live, busy: theme.busy, off: theme.danger }[tone];
  return (
    <View style={styles.note} testID={`connection-${state.status}`}>
      <View style={[styles.dot, { backgroundColor: color }]} />
      <Text role="status" style={[styles.text, { color }]}>
        {text}
      </Text>
      {retryAt !== null && (
        <Pressable role="button" onPress={client.reconnect} hitSlop={12} style={styles.press}>
          <Text style={[styles.text, styles.retry, { color: theme.accent }]}>
            <Countdown until={retryAt} /> Retry
          </Text>
        </Pressable>
      )}
    </View>
  );
}

function Countdown(props: { until: number }): ReactNode {
  const client = useOrderClient();
  const now = useNow(250, client.now);
  return `in ${secondsUntil(props.until, now)} s ·`;
}

const styles = StyleSheet.create({
  note: { flexDirection: 'row', alignItems: 'center', gap: 6 },
  dot: { width: 8, height: 8, borderRadius: 4 },
  press: { minHeight: 44, justifyContent: 'center' },
  text: { fontSize: 13, fontWeight: '600' },
  retry: { fontWeight: '500' },
});
