// SPDX-License-Identifier: MIT

export type Command = 'next' | 'previous' | 'step' | 'undo' | 'help' | 'search';

const commands: Readonly<Record<string, Command>> = {
  j: 'next',
  k: 'previous',
  c: 'step',
  u: 'undo',
  '?': 'help',
  '/': 'search',
};

export interface Key {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly repeat: boolean;
}

/** What a key asks for. Null for one that types, that belongs to the browser, or that only repeats a step. */
export function commandOf(event: Key, isTyping: boolean): Command | null {
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return null;
  const command = commands[event.key.toLowerCase()] ?? null;
  const mayRepeat = command === 'next' || command === 'previous';
  return event.repeat && !mayRepeat ? null : command;
}

export const keyHelp: readonly (readonly [key: string, meaning: string])[] = [
  ['J', 'Next order'],
  ['K', 'Previous order'],
  ['Enter', 'Open the order'],
  ['C', 'Confirm, or the next step'],
  ['U', 'Undo the last step'],
  ['/', 'Search'],
  ['?', 'This help'],
];
