// SPDX-License-Identifier: MIT

import { type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useDesk } from '../desk/hooks.ts';
import { roleName } from '../desk/permissions.ts';
import { SignOutIcon } from '../icons.tsx';
import { session } from '../services.ts';

export function UserMenu(): ReactNode {
  const state = useSyncExternalStore(session.subscribe, session.getState);
  const { signOut } = useDesk();
  const [isLeaving, setLeaving] = useState(false);
  const [opened, setOpened] = useState(false);
  const menu = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!opened) return undefined;
    menu.current?.querySelector<HTMLElement>('[role="menuitem"]')?.focus();
    const close = (event: Event): void => {
      if (!menu.current?.contains(event.target as Node)) setOpened(false);
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape') return;
      setOpened(false);
      button.current?.focus();
    };
    document.addEventListener('pointerdown', close);
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('pointerdown', close);
      document.removeEventListener('keydown', onKey);
    };
  }, [opened]);
  if (state.status !== 'signed-in') return null;
  const { user } = state;
  const initials = user.name
    .split(/\s+/)
    .map((word) => word.charAt(0))
    .join('')
    .slice(0, 2)
    .toUpperCase();
  return (
    <div className="menu" ref={menu}>
      <button
        type="button"
        ref={button}
        className="avatar"
        aria-label={`${initials}, account of ${user.name}`}
        aria-haspopup="menu"
        aria-expanded={opened}
        onClick={() => setOpened(!opened)}
      >
        {initials}
      </button>
      {opened && (
        <div className="menu-drop">
          <div className="menu-user">
            <strong>{user.name}</strong>
            <span className="dimmed small">{user.email}</span>
            <span className="dimmed small">
              {roleName(user.role)}
              {user.organizationId !== null && ` of ${user.organizationId}`}
            </span>
          </div>
          <div role="menu" aria-label="Account">
            <button
              type="button"
              role="menuitem"
              className="menu-item"
              aria-disabled={isLeaving || undefined}
              onClick={() => {
                if (isLeaving) return;
                setLeaving(true);
                void signOut();
              }}
            >
              <SignOutIcon /> {isLeaving ? 'Signing out…' : 'Sign out'}
            </button>
          </div>
        </div>
      )}
    </div>
  );
}
