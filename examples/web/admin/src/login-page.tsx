// SPDX-License-Identifier: MIT

import { ApiError, asObject } from '@ordercast/client';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { Mark } from './icons.tsx';
import { session } from './services.ts';
import { Alert, Button, Field } from './ui.tsx';

const demoAccounts = [
  { label: 'Admin', email: 'admin@martly.dev', password: 'admin123' },
  { label: 'Manager', email: 'manager@martly.dev', password: 'manager123' },
];

/** A server has demo data only on the same machine, unless its operator asks for it. */
const isSameMachine = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(location.hostname);

/** Whether the demo's accounts may exist. Where the server does not say (`/healthz` has a port of its own), on this machine. */
async function mayHaveDemoData(): Promise<boolean> {
  try {
    const answer = await fetch('/healthz');
    const body: unknown = await answer.json();
    const health = asObject(asObject(body)?.data);
    return health?.status === 'ok' ? health.demo === true : isSameMachine;
  } catch {
    return isSameMachine;
  }
}

/** `reason`: why the last session ended. `onTry`: called before each try. */
export function LoginPage(props: { reason: string | undefined; onTry: () => void }): ReactNode {
  const { onTry } = props;
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [isShown, setShown] = useState(false);
  const [problem, setProblem] = useState(props.reason);
  const [busy, setBusy] = useState(false);
  const [hasDemoData, setHasDemoData] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = 'Sign in · ordercast';
    first.current?.focus();
    let isHere = true;
    void mayHaveDemoData().then((may) => {
      if (isHere) setHasDemoData(may);
    });
    return () => {
      isHere = false;
    };
  }, []);

  async function signIn(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    onTry();
    try {
      await session.signIn(email, password);
    } catch (error) {
      const isDemo = demoAccounts.some(
        (account) => account.email === email && account.password === password,
      );
      if (isDemo && error instanceof ApiError && error.status === 401) {
        setHasDemoData(false);
        setBusy(false);
        setProblem('This server has no demo accounts. Sign in with your own.');
        return;
      }
      setProblem(error instanceof ApiError ? error.message : 'Sign-in failed. Please try again.');
      setBusy(false);
    }
  }

  return (
    <main className="login">
      <form className="login-card" onSubmit={(event) => void signIn(event)}>
        <div className="login-brand">
          <Mark size={40} />
          <div>
            <h1>ordercast</h1>
            <p className="dimmed small">Every order, as it happens</p>
          </div>
        </div>
        {problem !== undefined && <Alert tone="danger">{problem}</Alert>}
        <Field label="Email">
          {(id) => (
            <input
              ref={first}
              id={id}
              type="email"
              autoComplete="username"
              required
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
          )}
        </Field>
        <div className="password">
          <Field label="Password">
            {(id) => (
              <input
                id={id}
                type={isShown ? 'text' : 'password'}
                autoComplete="current-password"
                required
                value={password}
                onChange={(event) => setPassword(event.currentTarget.value)}
              />
            )}
          </Field>
          <button
            type="button"
            className="link-button"
            aria-pressed={isShown}
            onClick={() => setShown(!isShown)}
          >
            {isShown ? 'Hide' : 'Show'}
          </button>
        </div>
        <Button type="submit" look="primary" busy={busy} className="login-submit">
          {busy ? 'Signing in…' : 'Sign in'}
        </Button>
        {hasDemoData && (
          <div className="login-demo">
            <span className="dimmed small">Demo accounts:</span>
            {demoAccounts.map((account) => (
              <Button
                key={account.email}
                className="small"
                onClick={() => {
                  setEmail(account.email);
                  setPassword(account.password);
                }}
              >
                {account.label}
              </Button>
            ))}
          </div>
        )}
      </form>
    </main>
  );
}
