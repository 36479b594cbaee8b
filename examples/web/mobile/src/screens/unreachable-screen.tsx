// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { Button } from '../components/button.tsx';
import { useServices } from '../services.ts';
import { space, useTheme } from '../theme.ts';

/** Shown while a user is signed in but the server can't be reached. The session retries by itself. */
export function UnreachableScreen(props: { reason: string }): ReactNode {
  const theme = useTheme();
  const services = useServices();
  return (
    <View style={styles.screen} testID="unreachable">
      <Text style={[styles.reason, { color: theme.text }]} accessibilityRole="alert">
        {props.reason.replace(/\.?$/, '.')}
      </Text>
      <Text style={[styles.text, { color: theme.muted }]}>
        You are still signed in. We keep trying.
      </Text>
      <Button title="Try now" onPress={() => void services.session.retry()} />
      <Button title="Sign out" look="outline" onPress={() => void services.signOut()} />
    </View>
  );
}

const styles = StyleSheet.create({
  screen: { flex: 1, justifyContent: 'center', padding: space.large, gap: space.medium },
  reason: { fontSize: 18, fontWeight: '600', textAlign: 'center' },
  text: { fontSize: 15, textAlign: 'center' },
});
