// SPDX-License-Identifier: MIT

import {
  Alert,
  Button,
  Group,
  Paper,
  PasswordInput,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { ApiError } from '@ordercast/client';
import { type ChangeEvent, type FormEvent, type ReactNode, useState } from 'react';
import { Mark, WarningIcon } from './icons.tsx';
import { session } from './services.ts';

const demoAccounts = [
  { label: 'Admin', email: 'admin@martly.dev', password: 'admin123' },
  { label: 'Manager', email: 'manager@martly.dev', password: 'manager123' },
];

/** The properties of a field that must be filled in. */
function required(value: string, setValue: (value: string) => void) {
  return {
    required: true,
    withAsterisk: false,
    value,
    onChange: (event: ChangeEvent<HTMLInputElement>) => setValue(event.currentTarget.value),
  };
}

/** `reason`: why the last session ended. */
export function LoginPage(props: { reason: string | undefined }): ReactNode {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState(props.reason);
  const [busy, setBusy] = useState(false);

  async function signIn(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      await session.signIn(email, password);
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : 'Sign-in failed. Please try again.');
      setBusy(false);
    }
  }

  return (
    <main className="login">
      <Paper className="login-card" shadow="xl" radius="lg" p={{ base: 'lg', xs: 36 }}>
        <form onSubmit={(event) => void signIn(event)}>
          <Stack gap="md">
            <Group gap="sm">
              <Mark size={40} />
              <div>
                <Title order={1} size="h3">
                  ordercast
                </Title>
                <Text size="sm" c="dimmed">
                  Every order, as it happens
                </Text>
              </div>
            </Group>
            {problem !== undefined && (
              <Alert color="red" role="alert" icon={<WarningIcon />} className="problem">
                {problem}
              </Alert>
            )}
            <TextInput
              label="Email"
              type="email"
              autoComplete="username"
              {...required(email, setEmail)}
            />
            <PasswordInput
              label="Password"
              autoComplete="current-password"
              {...required(password, setPassword)}
            />
            <Button type="submit" size="md" loading={busy}>
              Sign in
            </Button>
            <div className="login-demo">
              <Text size="xs" c="dimmed">
                Demo accounts:
              </Text>
              {demoAccounts.map((account) => (
                <Button
                  key={account.email}
                  size="compact-xs"
                  variant="default"
                  radius="xl"
                  onClick={() => {
                    setEmail(account.email);
                    setPassword(account.password);
                  }}
                >
                  {account.label}
                </Button>
              ))}
            </div>
          </Stack>
        </form>
      </Paper>
    </main>
  );
}
