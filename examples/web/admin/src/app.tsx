// SPDX-License-Identifier: MIT

import { lazy, type ReactNode, Suspense, useEffect, useState, useSyncExternalStore } from 'react';
import { isStaff } from './desk/permissions.ts';
import { LoginPage } from './login-page.tsx';
import { session } from './services.ts';
import { UnreachablePage } from './unreachable-page.tsx';

/** What a customer reads here. */
const notForCustomers =
  'This panel is for a shop’s staff. Your own orders are in the customers’ app, at /mobile/.';

/** Only who has signed in needs the rest: the first form comes without it. */
const SignedIn = lazy(() => import('./signed-in.tsx'));

export function App(): ReactNode {
  const state = useSyncExternalStore(session.subscribe, session.getState);
  const [turnedAway, setTurnedAway] = useState(false);
  const isStranger = state.status === 'signed-in' && !isStaff(state.user.role);
  useEffect(() => {
    if (!isStranger) return;
    setTurnedAway(true);
    void session.signOut();
  }, [isStranger]);
  if (state.status === 'unreachable') return <UnreachablePage reason={state.reason} />;
  if (state.status === 'signed-out') {
    const reason = turnedAway ? notForCustomers : state.reason;
    return <LoginPage key={reason} reason={reason} onTry={() => setTurnedAway(false)} />;
  }
  if (state.status === 'unknown' || isStranger) return <Loading />;
  return (
    <Suspense fallback={<Loading />}>
      <SignedIn key={state.user.id} />
    </Suspense>
  );
}

function Loading(): ReactNode {
  return (
    <main className="login">
      <h1 className="sr-only">Orders</h1>
      <p role="status" className="dimmed">
        Loading…
      </p>
    </main>
  );
}
