// SPDX-License-Identifier: MIT

import { Alert, Button, Group, Paper, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { WarningIcon } from './icons.tsx';
import { session } from './services.ts';

/** Shown while a user is signed in but the server can't be reached. The session retries by itself. */
export function UnreachablePage(props: { reason: string }): ReactNode {
  return (
    <main className="login">
      <Paper className="login-card" shadow="xl" radius="lg" p={{ base: 'lg', xs: 36 }}>
        <Stack gap="md">
          <Alert color="yellow" role="alert" icon={<WarningIcon />} className="problem">
            {props.reason.replace(/\.?$/, '.')}
          </Alert>
          <Text size="sm" c="dimmed">
            You are still signed in. We keep trying.
          </Text>
          <Group gap="sm">
            <Button onClick={() => void session.retry()}>Try now</Button>
            <Button variant="default" onClick={() => void session.signOut()}>
              Sign out
            </Button>
          </Group>
        </Stack>
      </Paper>
    </main>
  );
}
