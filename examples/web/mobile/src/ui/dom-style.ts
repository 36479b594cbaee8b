// SPDX-License-Identifier: MIT

import { type } from '../theme.ts';

/** What React Native's text has in a browser. */
export const fontFamily =
  '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, Helvetica, Arial, sans-serif';

/** A step of the type scale for an element of the browser: there a line height is a factor unless it has a unit. */
export function textStyle(step: keyof typeof type): Record<string, string | number> {
  const { lineHeight, ...style } = type[step];
  return { ...style, lineHeight: `${lineHeight}px`, fontFamily };
}
