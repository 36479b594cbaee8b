// SPDX-License-Identifier: MIT

import './styles/desk.css';

import type { OrderClient } from '@ordercast/client';
import { OrderClientProvider } from '@ordercast/client/react';
import { type ReactNode, useEffect, useState } from 'react';
import { type Desk, makeDesk } from './desk/desk.ts';
import { DeskContext, useRole } from './desk/hooks.ts';
import { maySeeKitchen } from './desk/permissions.ts';
import { KitchenPage } from './kitchen/kitchen-page.tsx';
import { OrderPage } from './order/order-page.tsx';
import { OrdersPage } from './orders/orders-page.tsx';
import { firstList, type Route, useRoute } from './route.ts';
import { makeClient } from './services.ts';
import { Shell } from './shell/shell.tsx';
import { useMedia, wide } from './shell/use-media.ts';

/** Each user gets a new client and a new desk, so nothing that one user has seen is left for the next. */
export default function SignedIn(): ReactNode {
  const [made, setMade] = useState<{ client: OrderClient; desk: Desk } | null>(null);
  useEffect(() => {
    const client = makeClient();
    const desk = makeDesk(client);
    setMade({ client, desk });
    return () => {
      desk.close();
      client.close();
    };
  }, []);
  if (made === null) return null;
  return (
    <OrderClientProvider client={made.client}>
      <DeskContext.Provider value={made.desk}>
        <Pages />
      </DeskContext.Provider>
    </OrderClientProvider>
  );
}

function Pages(): ReactNode {
  const route = useRoute();
  const role = useRole();
  const isKitchen = route.page === 'kitchen' && maySeeKitchen(role);
  return (
    <Shell page={isKitchen ? 'kitchen' : route.page}>
      {isKitchen ? <KitchenPage /> : <ListAndOrder route={route} />}
    </Shell>
  );
}

/** The list stays while one of its orders is open, so that Back finds it as it was. */
function ListAndOrder(props: { route: Route }): ReactNode {
  const { route } = props;
  const isWide = useMedia(wide);
  const list = route.page === 'kitchen' ? firstList : route.list;
  const opened = route.page === 'order' ? route.orderId : null;
  const isSplit = isWide && opened !== null;
  return (
    <div className="panes" data-split={isSplit || undefined}>
      <OrdersPage list={list} opened={opened} isHidden={opened !== null && !isWide} />
      {opened !== null && <OrderPage key={opened} orderId={opened} list={list} isSplit={isSplit} />}
    </div>
  );
}
