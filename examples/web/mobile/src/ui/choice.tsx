// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { Pressable, StyleSheet, Text, View } from 'react-native';
import { radius, space, type, useTheme } from '../theme.ts';

export interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly options: readonly { readonly value: T; readonly name: string; readonly hint?: string }[];
  readonly value: T | null;
  readonly onChange: (value: T) => void;
}

/** One of a few. `choice.web.tsx` has real radio buttons. */
export function Choice<T extends string>(props: ChoiceProps<T>): ReactNode {
  const theme = useTheme();
  return (
    <View role="radiogroup" aria-label={props.label} style={styles.group}>
      <Text style={[type.strong, { color: theme.text }]}>{props.label}</Text>
      {props.options.map(({ value, name, hint }) => {
        const isChosen = value === props.value;
        return (
          <Pressable
            key={value}
            role="radio"
            aria-checked={isChosen}
            onPress={() => props.onChange(value)}
            style={[
              styles.option,
              { backgroundColor: theme.card, borderColor: isChosen ? theme.accent : theme.control },
            ]}
          >
            <View style={[styles.ring, { borderColor: isChosen ? theme.accent : theme.muted }]}>
              {isChosen && <View style={[styles.dot, { backgroundColor: theme.accent }]} />}
            </View>
            <View style={styles.words}>
              <Text style={[type.strong, { color: theme.text }]}>{name}</Text>
              {hint !== undefined && (
                <Text style={[type.small, { color: theme.muted }]}>{hint}</Text>
              )}
            </View>
          </Pressable>
        );
      })}
    </View>
  );
}

const styles = StyleSheet.create({
  group: { gap: space.small },
  option: {
    flexDirection: 'row',
    alignItems: 'center',
    gap: 12,
    minHeight: 48,
    paddingHorizontal: space.medium,
    paddingVertical: space.small,
    borderWidth: 1.5,
    borderRadius: radius.control,
  },
  ring: {
    width: 20,
    height: 20,
    borderRadius: 10,
    borderWidth: 2,
    alignItems: 'center',
    justifyContent: 'center',
  },
  dot: { width: 10, height: 10, borderRadius: 5 },
  words: { flexShrink: 1 },
});
