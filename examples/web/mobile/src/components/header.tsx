// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { StyleSheet, View } from 'react-native';
import { space, useTheme } from '../theme.ts';

/** The fixed top of a screen. */
export function Header(props: { children: ReactNode }): ReactNode {
  return <View style={[styles.header, { borderColor: useTheme().border }]}>{props.children}</View>;
}

const styles = StyleSheet.create({
  header: {
    flexDirection: 'row',
    alignItems: 'center',
    justifyContent: 'space-between',
    gap: space.large,
    paddingHorizontal: space.large,
    paddingTop: space.large,
    paddingBottom: space.medium,
    borderBottomWidth: 1,
  },
});
