// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { ActivityIndicator, Pressable, StyleSheet, Text, View } from 'react-native';
import { radius, type, useTheme } from '../theme.ts';

type Look = 'filled' | 'outline' | 'danger' | 'quiet';

export function Button(props: {
  title: string;
  /** What a screen reader says, if the title alone is not enough. */
  label?: string;
  onPress: () => void;
  look?: Look;
  busy?: boolean;
  disabled?: boolean;
}): ReactNode {
  const theme = useTheme();
  const look = props.look ?? 'filled';
  const busy = props.busy ?? false;
  const color = look === 'danger' ? theme.danger : theme.accent;
  const isFilled = look === 'filled';
  const ink = isFilled ? theme.onAccent : color;
  const border = look === 'quiet' ? 'transparent' : look === 'outline' ? theme.control : color;
  return (
    <Pressable
      role="button"
      {...(props.label !== undefined && { 'aria-label': props.label })}
      aria-busy={busy}
      // Stays focusable while it works: a disabled button would drop the focus.
      onPress={busy ? undefined : props.onPress}
      disabled={props.disabled ?? false}
      style={({ pressed }) => [
        styles.button,
        look === 'quiet' && styles.quiet,
        { borderColor: border, backgroundColor: isFilled ? color : 'transparent' },
        (pressed || props.disabled) && styles.faded,
      ]}
    >
      <View style={styles.words}>
        {busy && <ActivityIndicator color={ink} />}
        <Text style={[type.strong, { color: ink }]}>{props.title}</Text>
      </View>
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
  quiet: { paddingHorizontal: 10 },
  words: { flexDirection: 'row', alignItems: 'center', gap: 10 },
  faded: { opacity: 0.6 },
});
