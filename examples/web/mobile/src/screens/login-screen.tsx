// SPDX-License-Identifier: MIT

import { ApiError, problemText } from '@ordercast/client';
import { type ReactNode, useState } from 'react';
import { StyleSheet, Text } from 'react-native';
import { useServices } from '../services.ts';
import { space, type, useTheme } from '../theme.ts';
import { Field } from '../ui/field.tsx';
// Without an extension: a browser gets `form.web.tsx`.
import { Form, SubmitButton } from '../ui/form';
import { Notice } from '../ui/notice.tsx';
import { Screen } from '../ui/screen.tsx';
import { Brand } from '../ui/top-line.tsx';

export function LoginScreen(props: { reason: string | undefined }): ReactNode {
  const { session } = useServices();
  const theme = useTheme();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(props.reason);

  async function signIn(): Promise<void> {
    if (busy) return;
    if (email.trim() === '' || password === '') {
      setProblem('Type your email and your password.');
      return;
    }
    setBusy(true);
    setProblem(undefined);
    try {
      await session.signIn(email.trim(), password);
    } catch (error) {
      const isWrong = error instanceof ApiError && error.status === 401;
      setProblem(isWrong ? 'Email or password is wrong.' : problemText(error));
      setBusy(false);
    }
  }

  const submit = (): void => void signIn();
  return (
    <Screen title="Welcome back" isNarrow top={<Brand />}>
      <Text style={[type.body, { color: theme.muted }]}>
        Sign in to order and to follow your orders, live.
      </Text>
      <Form label="Sign in" onSubmit={submit} style={styles.form}>
        <Field label="Email" kind="email" value={email} onChange={setEmail} />
        <Field label="Password" kind="password" value={password} onChange={setPassword} />
        {problem !== undefined && <Notice text={problem} />}
        <SubmitButton title="Sign in" busy={busy} onSubmit={submit} />
      </Form>
    </Screen>
  );
}

const styles = StyleSheet.create({ form: { gap: space.large } });
