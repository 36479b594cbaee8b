// SPDX-License-Identifier: MIT

import type { ConnectionState } from '@ordercast/client';
import { useConnectionState, useOnline, useOrderClient } from '@ordercast/client/react';
import { type ReactNode, useEffect, useState } from 'react';
import { Pressable, StyleSheet, Text, View } from 'react-native';
import { type Theme, useTheme } from '../theme.ts';

function describe(state: ConnectionState, online: boolean, theme: Theme): [string, string] {
  if (state.status === 'live') return ['Live', theme.live];
  if (!online) return ['Offline', theme.danger];
  if (state.status === 'waiting') return ['Reconnecting', theme.busy];
  if (state.status === 'refused') return ['Not signed in', theme.danger];
  return ['Connecting', theme.busy];
}

/** Always in sight: whether what is shown is live. */
export function ConnectionNote(): ReactNode {
  const theme = useTheme();
  const state = useConnectionState();
  const online = useOnline();
  const client = useOrderClient();
  const [text, color] = describe(state, online, theme);
  const retryAt = online && state.status === 'waiting' ? state.retryAt : null;
  return (
    <View style={styles.note} testID={`connection-${state.status}`}>
      <View style={[styles.dot, { backgroundColor: color }]} />
      <Text style={[styles.text, { color }]} accessibilityLiveRegion="polite">
        {text}
      </Text>
      {retryAt !== null && (
        <Pressable accessibilityRole="button" onPress={client.reconnect} hitSlop={12}>
          <Text style={[styles.text, styles.retry, { color: theme.accent }]}>
            <Countdown until={retryAt} /> Retry
          </Text>
        </Pressable>
      )}
    </View>
  );
}

function Countdown(props: { until: number }): ReactNode {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  return `in ${Math.max(0, Math.ceil((props.until - now) / 1000))} s ·`;
}

const styles = StyleSheet.create({
  note: { flexDirection: 'row', alignItems: 'center', gap: 6 },
  dot: { width: 8, height: 8, borderRadius: 4 },
  text: { fontSize: 13, fontWeight: '600' },
  retry: { fontWeight: '500' },
});
