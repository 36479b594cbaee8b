// SPDX-License-Identifier: MIT

import { registerRootComponent } from 'expo';
import { createElement, type ReactElement } from 'react';
import { StatusBar } from 'react-native';
import { SafeAreaProvider, SafeAreaView } from 'react-native-safe-area-context';
import { App } from '../src/app.tsx';
import { useTheme } from '../src/theme.ts';
import { platform } from './platform.ts';

/** Keeps the app clear of cut-outs, the home indicator and the status bar. */
function Root(): ReactElement {
  const theme = useTheme();
  const style = { flex: 1, backgroundColor: theme.card };
  return createElement(
    SafeAreaProvider,
    null,
    createElement(StatusBar, { barStyle: theme.isDark ? 'light-content' : 'dark-content' }),
    createElement(SafeAreaView, { style }, createElement(App, { platform })),
  );
}

registerRootComponent(Root);
