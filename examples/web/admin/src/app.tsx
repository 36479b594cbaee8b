// SPDX-License-Identifier: MIT

import { Center, Loader } from '@mantine/core';
import type { OrderClient } from '@ordercast/client';
import { OrderClientProvider } from '@ordercast/client/react';
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { LoginPage } from './login-page.tsx';
import { OrderPage } from './order/order-page.tsx';
import { OrdersPage } from './orders/orders-page.tsx';
import { useRoute } from './route.ts';
import { makeClient, session } from './services.ts';
import { Shell } from './shell/shell.tsx';
import { UnreachablePage } from './unreachable-page.tsx';

export function App(): ReactNode {
  const state = useSyncExternalStore(session.subscribe, session.getState);
  if (state.status === 'unknown') {
    return (
      <Center h="100vh">
        <Loader aria-label="Loading" />
      </Center>
    );
  }
  if (state.status === 'unreachable') return <UnreachablePage reason={state.reason} />;
  if (state.status === 'signed-out') return <LoginPage reason={state.reason} />;
  return <SignedIn key={state.user.id} />;
}

/** Each user gets a new client, so nothing that one user has seen is left for the next. */
function SignedIn(): ReactNode {
  const [client, setClient] = useState<OrderClient | null>(null);
  useEffect(() => {
    const made = makeClient();
    setClient(made);
    return () => made.close();
  }, []);
  if (client === null) return null;
  return (
    <OrderClientProvider client={client}>
      <Shell>
        <Page />
      </Shell>
    </OrderClientProvider>
  );
}

function Page(): ReactNode {
  const route = useRoute();
  if (route.page === 'order') return <OrderPage key={route.orderId} orderId={route.orderId} />;
  return <OrdersPage status={route.status} number={route.number} />;
}
