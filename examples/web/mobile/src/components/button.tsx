// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { ActivityIndicator, Pressable, StyleSheet, Text } from 'react-native';
import { radius, useTheme } from '../theme.ts';

type Look = 'filled' | 'outline' | 'danger';

export function Button(props: {
  title: string;
  onPress: () => void;
  look?: Look;
  busy?: boolean;
  disabled?: boolean;
}): ReactNode {
  const theme = useTheme();
  const look = props.look ?? 'filled';
  const color = look === 'danger' ? theme.danger : theme.accent;
  const isFilled = look === 'filled';
  return (
    <Pressable
      accessibilityRole="button"
      onPress={props.onPress}
      disabled={props.disabled || props.busy}
      style={({ pressed }) => [
        styles.button,
        { borderColor: color, backgroundColor: isFilled ? color : 'transparent' },
        (pressed || props.disabled) && styles.faded,
      ]}
    >
      {props.busy ? (
        <ActivityIndicator color={isFilled ? theme.onAccent : color} accessibilityLabel="Working" />
      ) : (
        <Text style={[styles.title, { color: isFilled ? theme.onAccent : color }]}>
          {props.title}
        </Text>
      )}
    </Pressable>
  );
}

const styles = StyleSheet.create({
  button: {
    minHeight: 48,
    borderRadius: radius.control,
    borderWidth: 1.5,
    alignItems: 'center',
    justifyContent: 'center',
    paddingHorizontal: 20,
  },
  title: { fontSize: 16, fontWeight: '600' },
  faded: { opacity: 0.6 },
});
