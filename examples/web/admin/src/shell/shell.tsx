// SPDX-License-Identifier: MIT

import { type ReactNode, useState } from 'react';
import { useRole } from '../desk/hooks.ts';
import { maySeeKitchen } from '../desk/permissions.ts';
import { Mark, SlidersIcon } from '../icons.tsx';
import { StepNotes } from '../orders/step-notes.tsx';
import { firstList, hrefOf, type Route } from '../route.ts';
import { IconButton } from '../ui.tsx';
import { Announcer } from './announcer.tsx';
import { Bell, useCountedTitle } from './bell.tsx';
import { ConnectionPill } from './connection-pill.tsx';
import { useKeptFocus } from './keep-focus.ts';
import { HelpDialog, SettingsDialog } from './settings-dialog.tsx';
import { useCommands } from './use-commands.ts';
import { UserMenu } from './user-menu.tsx';

export function Shell(props: { page: Route['page']; children: ReactNode }): ReactNode {
  const [dialog, setDialog] = useState<'settings' | 'help' | null>(null);
  const role = useRole();
  useKeptFocus();
  useCountedTitle();
  useCommands({ help: () => setDialog('help') });
  const close = (): void => setDialog(null);
  return (
    <Announcer>
      {/* No link: the fragment is the route. */}
      <button type="button" className="skip-link" onClick={skipToContent}>
        Skip to content
      </button>
      <header className="topbar">
        <a
          className="brand"
          href={hrefOf({ page: 'orders', list: firstList })}
          aria-label="ordercast, open orders"
        >
          <Mark size={30} />
          <span className="brand-name">ordercast</span>
        </a>
        <nav className="pages-nav" aria-label="Pages">
          <a href="#/orders" aria-current={props.page !== 'kitchen' ? 'page' : undefined}>
            Orders
          </a>
          {maySeeKitchen(role) && (
            <a href="#/kitchen" aria-current={props.page === 'kitchen' ? 'page' : undefined}>
              Kitchen
            </a>
          )}
        </nav>
        <div className="topbar-tools">
          <ConnectionPill />
          <Bell />
          <IconButton label="Settings" onClick={() => setDialog('settings')}>
            <SlidersIcon />
          </IconButton>
          <UserMenu />
        </div>
      </header>
      <main id="content" className="content" data-page={props.page} tabIndex={-1}>
        {props.children}
        <StepNotes />
      </main>
      <SettingsDialog opened={dialog === 'settings'} onClose={close} />
      <HelpDialog opened={dialog === 'help'} onClose={close} />
    </Announcer>
  );
}

function skipToContent(): void {
  document.getElementById('content')?.focus();
}
