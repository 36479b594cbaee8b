// SPDX-License-Identifier: MIT

let isSought = false;

/** Focuses the first new order of the list that is shown, or of the next one. */
export function seekNew(): void {
  isSought = true;
  focusSought();
}

/** Call when a list has changed. */
export function focusSought(): void {
  if (!isSought) return;
  const found = document.querySelector<HTMLElement>(
    '.list-pane:not([hidden]) tr[data-new] a.order-link',
  );
  if (found === null) return;
  isSought = false;
  found.focus();
}
