// SPDX-License-Identifier: MIT

import { type ReactNode, useEffect } from 'react';
import { RecoveryProbe } from './desk/recovery-probe.ts';
import { serverAnswers, session, timers } from './services.ts';
import { Alert, Button } from './ui.tsx';

/** Shown while a user is signed in but the server can't be reached. The session retries by itself. */
export function UnreachablePage(props: { reason: string }): ReactNode {
  const why = navigator.onLine ? props.reason.replace(/\.?$/, '.') : 'This device is offline.';
  useEffect(() => {
    const probe = new RecoveryProbe({
      timers,
      random: Math.random,
      isWaiting: () => navigator.onLine && document.visibilityState === 'visible',
      answers: serverAnswers,
      reconnect: () => void session.retry(),
    });
    probe.look();
    document.addEventListener('visibilitychange', probe.look);
    return () => {
      document.removeEventListener('visibilitychange', probe.look);
      probe.stop();
    };
  }, []);
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
