// SPDX-License-Identifier: MIT

import type { OrderClient, User } from '@ordercast/client';
import { OrderClientProvider } from '@ordercast/client/react';
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { ActivityIndicator, StyleSheet, View } from 'react-native';
import type { Platform } from './platform.ts';
import { LoginScreen } from './screens/login-screen.tsx';
import { OrderScreen } from './screens/order-screen.tsx';
import { OrdersScreen } from './screens/orders-screen.tsx';
import { UnreachableScreen } from './screens/unreachable-screen.tsx';
import { Services, ServicesContext, useServices } from './services.ts';
import { useTheme } from './theme.ts';

export function App(props: { platform: Platform }): ReactNode {
  const [services] = useState(() => new Services(props.platform));
  const theme = useTheme();
  useEffect(() => {
    void services.session.restore();
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
  if (state.status === 'unknown') return <ActivityIndicator style={styles.screen} />;
  if (state.status === 'unreachable') return <UnreachableScreen reason={state.reason} />;
  if (state.status === 'signed-out') return <LoginScreen reason={state.reason} />;
  return <SignedIn key={state.user.id} user={state.user} />;
}

/** Each user gets a new client, so nothing that one user has seen is left for the next. */
function SignedIn(props: { user: User }): ReactNode {
  const services = useServices();
  const [client, setClient] = useState<OrderClient | null>(null);
  const [orderId, setOrderId] = useState<string | null>(null);
  useEffect(() => {
    const made = services.makeClient();
    setClient(made);
    void services.registerDevice();
    return () => made.close();
  }, [services]);
  if (client === null) return null;
  return (
    <OrderClientProvider client={client}>
      {orderId === null ? (
        <OrdersScreen user={props.user} onOpen={setOrderId} />
      ) : (
        <OrderScreen key={orderId} orderId={orderId} onBack={() => setOrderId(null)} />
      )}
    </OrderClientProvider>
  );
}

const styles = StyleSheet.create({ screen: { flex: 1 } });
