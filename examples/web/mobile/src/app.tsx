// SPDX-License-Identifier: MIT

import type { User } from '@ordercast/client';
import { OrderClientProvider } from '@ordercast/client/react';
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { ActivityIndicator, StyleSheet, Text, View } from 'react-native';
import { useLiveHistory } from './logic/use-history.ts';
import type { Platform } from './platform.ts';
import { LoginScreen } from './screens/login-screen.tsx';
import { NewOrderScreen } from './screens/new-order-screen.tsx';
import { OrderScreen } from './screens/order-screen.tsx';
import { OrdersScreen } from './screens/orders-screen.tsx';
import { UnreachableScreen } from './screens/unreachable-screen.tsx';
import {
  type Account,
  AccountContext,
  Services,
  ServicesContext,
  useRoute,
  useServices,
} from './services.ts';
import { type, useTheme } from './theme.ts';
import { Button } from './ui/button.tsx';
import { Screen } from './ui/screen.tsx';
import { Brand } from './ui/top-line.tsx';

export function App(props: { platform: Platform }): ReactNode {
  const [services] = useState(() => new Services(props.platform));
  const theme = useTheme();
  useEffect(() => {
    void services.session.restore();
    return services.platform.onBackPressed?.(() => services.navigation.back());
  }, [services]);
  return (
    <ServicesContext.Provider value={services}>
      <View style={[styles.screen, { backgroundColor: theme.background }]}>
        <Start />
      </View>
    </ServicesContext.Provider>
  );
}

function Start(): ReactNode {
  const { session } = useServices();
  const state = useSyncExternalStore(session.subscribe, session.getState, session.getState);
  if (state.status === 'unknown') {
    return <ActivityIndicator style={styles.screen} accessibilityLabel="Loading" />;
  }
  if (state.status === 'unreachable') {
    return <UnreachableScreen key={session.heldUserId} reason={state.reason} />;
  }
  if (state.status === 'signed-out') return <LoginScreen reason={state.reason} />;
  if (state.user.role !== 'CUSTOMER') return <NotForStaffScreen user={state.user} />;
  return <SignedIn key={state.user.id} user={state.user} />;
}

/** Each user gets their own account, so nothing that one user has seen is left for the next. */
function SignedIn(props: { user: User }): ReactNode {
  const services = useServices();
  const [account, setAccount] = useState<Account | null>(null);
  const { id } = props.user;
  useEffect(() => {
    const opened = services.openAccount(id);
    setAccount(opened);
    void opened.placement.restore();
    void services.registerDevice();
    return () => opened.close();
  }, [services, id]);
  if (account === null) return null;
  return (
    <AccountContext.Provider value={account}>
      <OrderClientProvider client={account.client}>
        <Screens user={props.user} />
      </OrderClientProvider>
    </AccountContext.Provider>
  );
}

function Screens(props: { user: User }): ReactNode {
  useLiveHistory();
  const route = useRoute();
  switch (route.page) {
    case 'order':
      return <OrderScreen key={route.orderId} orderId={route.orderId} />;
    case 'new':
      return <NewOrderScreen again={route.again} />;
    default:
      return <OrdersScreen user={props.user} />;
  }
}

function NotForStaffScreen(props: { user: User }): ReactNode {
  const theme = useTheme();
  const services = useServices();
  return (
    <Screen title="This app is for customers" isNarrow top={<Brand />}>
      <Text style={[type.body, { color: theme.text }]}>
        {props.user.name} works for a shop: please use the shop’s panel.
      </Text>
      <Button title="Sign out" onPress={() => void services.signOut()} />
    </Screen>
  );
}

const styles = StyleSheet.create({ screen: { flex: 1 } });
