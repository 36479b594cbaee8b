// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { home } from '../logic/route.ts';
import { space, type, useTheme } from '../theme.ts';
import { ConnectionNote } from './connection-note.tsx';
// Without an extension: a browser gets `link.web.tsx`.
import { Link } from './link';

/** The way back to all orders, and whether the screen is live. */
export function TopLine(): ReactNode {
  return (
    <>
      <Link to={home} isBack style={styles.back}>
        <Text style={[type.strong, { color: useTheme().accent }]}>‹ My orders</Text>
      </Link>
      <ConnectionNote />
    </>
  );
}

/** The name of the app, where there is no way back. */
export function Brand(): ReactNode {
  const theme = useTheme();
  return (
    <View style={styles.brand}>
      <View style={[styles.mark, { backgroundColor: theme.accent }]}>
        <View style={[styles.wave, { borderColor: theme.onAccent }]}>
          <View style={[styles.source, { backgroundColor: theme.onAccent }]} />
        </View>
      </View>
      <Text style={[type.heading, { color: theme.text }]}>ordercast</Text>
    </View>
  );
}

const styles = StyleSheet.create({
  back: { minHeight: 44, justifyContent: 'center', paddingRight: space.small },
  brand: { flexDirection: 'row', alignItems: 'center', gap: space.small },
  mark: { width: 28, height: 28, borderRadius: 8, alignItems: 'center', justifyContent: 'center' },
  wave: {
    width: 16,
    height: 16,
    borderRadius: 8,
    borderWidth: 1.5,
    alignItems: 'center',
    justifyContent: 'center',
  },
  source: { width: 6, height: 6, borderRadius: 3 },
});
