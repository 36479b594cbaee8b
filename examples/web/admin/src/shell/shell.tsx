// SPDX-License-Identifier: MIT

import {
  ActionIcon,
  Menu,
  Text,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { type ReactNode, useSyncExternalStore } from 'react';
import { Mark, MoonIcon, SignOutIcon, SunIcon } from '../icons.tsx';
import { session } from '../services.ts';
import { Announcer } from './announcer.tsx';
import { ConnectionPill } from './connection-pill.tsx';

export function Shell(props: { children: ReactNode }): ReactNode {
  return (
    <Announcer>
      {/* No link: the fragment is the route. */}
      <button type="button" className="skip-link" onClick={skipToContent}>
        Skip to content
      </button>
      <header className="topbar">
        <div className="topbar-inner">
          <a className="brand" href="#/orders" aria-label="ordercast, all orders">
            <Mark size={30} />
            <span className="brand-name">ordercast</span>
          </a>
          <div className="topbar-tools">
            <ConnectionPill />
            <SchemeToggle />
            <UserMenu />
          </div>
        </div>
      </header>
      <main id="content" className="content" tabIndex={-1}>
        {props.children}
      </main>
    </Announcer>
  );
}

function skipToContent(): void {
  document.getElementById('content')?.focus();
}

function SchemeToggle(): ReactNode {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  const label = dark ? 'Light colours' : 'Dark colours';
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={label}
      title={label}
      onClick={() => setColorScheme(dark ? 'light' : 'dark')}
    >
      {dark ? <SunIcon /> : <MoonIcon />}
    </ActionIcon>
  );
}

function UserMenu(): ReactNode {
  const state = useSyncExternalStore(session.subscribe, session.getState);
  if (state.status !== 'signed-in') return null;
  const { user } = state;
  const initials = user.name
    .split(/\s+/)
    .map((word) => word.charAt(0))
    .join('')
    .slice(0, 2)
    .toUpperCase();
  return (
    <Menu position="bottom-end" width={230} shadow="lg">
      <Menu.Target>
        <UnstyledButton className="avatar" aria-label={`Account of ${user.name}`}>
          {initials}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <div className="menu-user">
          <Text fw={600} size="sm">
            {user.name}
          </Text>
          <Text size="xs" c="dimmed">
            {user.email}
          </Text>
          <Text size="xs" c="dimmed">
            {user.role.toLowerCase().replaceAll('_', ' ')}
            {user.organizationId !== null && ` of ${user.organizationId}`}
          </Text>
        </div>
        <Menu.Divider />
        <Menu.Item leftSection={<SignOutIcon />} onClick={() => void session.signOut()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
