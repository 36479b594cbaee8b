// SPDX-License-Identifier: MIT

import type { Order } from '@ordercast/client';
import { dateTime } from '@ordercast/client/format';
import type { ReactNode } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import { stepsOf } from '../logic/steps.ts';
import { useTheme } from '../theme.ts';

export function Timeline(props: { order: Order }): ReactNode {
  const theme = useTheme();
  const steps = stepsOf(props.order);
  const now = props.order.statusLogs.length - 1;
  return (
    <View role="list" aria-label="What has happened and what comes">
      {steps.map((step, index) => {
        const isDone = step.at !== null;
        const isNow = index === now;
        const isLast = index === steps.length - 1;
        const color = step.isBad ? theme.danger : theme.accent;
        return (
          <View role="listitem" key={step.key} style={styles.step}>
            <View style={styles.rail}>
              <View
                style={[
                  styles.dot,
                  isNow && styles.dotNow,
                  { borderColor: isDone ? color : theme.track },
                  isDone && { backgroundColor: color },
                ]}
              />
              {!isLast && (
                <View
                  style={[
                    styles.line,
                    { backgroundColor: index < now ? theme.accent : theme.track },
                  ]}
                />
              )}
            </View>
            <View style={[styles.words, !isLast && styles.wordsAbove]}>
              <Text
                style={[
                  styles.name,
                  isNow && styles.nameNow,
                  { color: isDone ? theme.text : theme.muted },
                ]}
              >
                {step.text}
              </Text>
              {step.at !== null && (
                <Text style={[styles.detail, { color: theme.muted }]}>{dateTime(step.at)}</Text>
              )}
              {step.detail !== null && (
                <Text style={[styles.detail, { color: theme.text }]}>{step.detail}</Text>
              )}
            </View>
          </View>
        );
      })}
    </View>
  );
}

const styles = StyleSheet.create({
  step: { flexDirection: 'row', gap: 14 },
  rail: { alignItems: 'center', width: 18 },
  dot: { width: 12, height: 12, borderRadius: 6, borderWidth: 2, marginTop: 4 },
  dotNow: { width: 18, height: 18, borderRadius: 9, marginTop: 1 },
  line: { flex: 1, width: 2, marginVertical: 3 },
  words: { flex: 1, gap: 2 },
  wordsAbove: { paddingBottom: 18 },
  name: { fontSize: 16 },
  nameNow: { fontWeight: '700' },
  detail: { fontSize: 14, lineHeight: 20 },
});
