// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { type StyleProp, StyleSheet, View, type ViewStyle } from 'react-native';
import { radius, space, useTheme } from '../theme.ts';

/** Things that belong together. */
export function Card(props: { children: ReactNode; testID?: string }): ReactNode {
  return (
    <View testID={props.testID} style={useCardStyle()}>
      {props.children}
    </View>
  );
}

export function useCardStyle(): StyleProp<ViewStyle> {
  const theme = useTheme();
  // Its type is newer than the types at hand.
  const shadow = { boxShadow: theme.shadow } as ViewStyle;
  return [styles.card, shadow, { backgroundColor: theme.card, borderColor: theme.border }];
}

const styles = StyleSheet.create({
  card: { borderRadius: radius.card, borderWidth: 1, padding: space.large, gap: space.medium },
});
