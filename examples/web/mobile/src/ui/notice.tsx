// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { radius, space, type, useTheme } from '../theme.ts';

type Tone = 'bad' | 'busy' | 'good';

/** Says something that needs attention, with what to do about it. */
export function Notice(props: {
  text: string;
  tone?: Tone;
  testID?: string;
  children?: ReactNode;
}): ReactNode {
  const theme = useTheme();
  const tone = props.tone ?? 'bad';
  const color = { bad: theme.danger, busy: theme.busy, good: theme.live }[tone];
  return (
    <View
      testID={props.testID}
      style={[styles.notice, { backgroundColor: theme.card, borderColor: color }]}
    >
      <Text
        // A fault is said at once; the rest waits its turn.
        role={tone === 'bad' ? 'alert' : 'status'}
        style={[type.body, { color: tone === 'bad' ? theme.danger : theme.text }]}
      >
        {props.text}
      </Text>
      {props.children}
    </View>
  );
}

const styles = StyleSheet.create({
  notice: {
    borderWidth: 1,
    borderLeftWidth: 4,
    borderRadius: radius.control,
    padding: space.medium,
    gap: space.medium,
  },
});
