// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { session } from './services.ts';
import { Alert, Button } from './ui.tsx';

/** Shown while a user is signed in but the server can't be reached. The session retries by itself. */
export function UnreachablePage(props: { reason: string }): ReactNode {
  const why = navigator.onLine ? props.reason.replace(/\.?$/, '.') : 'This device is offline.';
  return (
    <main className="login">
      <div className="login-card">
        <h1 className="sr-only">Orders</h1>
        <Alert tone="warning">{why}</Alert>
        <p className="dimmed small">
          You are still signed in. We keep trying, and go on by ourselves when the server answers.
        </p>
        <div className="button-row">
          <Button look="primary" onClick={() => void session.retry()}>
            Try now
          </Button>
          <Button onClick={() => void session.signOut()}>Sign out</Button>
        </div>
      </div>
    </main>
  );
}
