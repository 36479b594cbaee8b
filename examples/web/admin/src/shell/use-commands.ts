// SPDX-License-Identifier: MIT

import { useEffect, useRef } from 'react';
import { type Command, commandOf } from '../desk/keys.ts';

/** Does what a key asks for, while the component is there and no dialog is open. */
export function useCommands(handlers: Partial<Record<Command, (() => void) | undefined>>): void {
  const current = useRef(handlers);
  useEffect(() => {
    current.current = handlers;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || document.querySelector('dialog[open]') !== null) return;
      const command = commandOf(event, isTyping(event.target));
      const handler = command === null ? undefined : current.current[command];
      if (handler === undefined) return;
      event.preventDefault();
      handler();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('input, textarea, select, [contenteditable]') !== null
  );
}
