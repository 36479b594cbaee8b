// SPDX-License-Identifier: MIT

import { type FormEvent, type ReactNode, useMemo } from 'react';
import { StyleSheet, type ViewStyle } from 'react-native';
import { radius, useTheme } from '../theme.ts';
import { textStyle } from './dom-style.ts';
import type { FormProps, SubmitProps } from './form.tsx';

export function Form(props: FormProps): ReactNode {
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    props.onSubmit();
  };
  const style = useMemo(() => domStyle(StyleSheet.flatten(props.style)), [props.style]);
  return (
    <form aria-label={props.label} onSubmit={submit} noValidate style={style}>
      {props.children}
    </form>
  );
}

/** Submits its form: by a click, and by Enter in a field. */
export function SubmitButton(props: SubmitProps): ReactNode {
  const theme = useTheme();
  const busy = props.busy ?? false;
  return (
    <button
      type="submit"
      aria-busy={busy}
      // Stays focusable while it works: a disabled button would drop the focus.
      onClick={(event) => busy && event.preventDefault()}
      style={{
        minHeight: 48,
        padding: '0 20px',
        border: 0,
        borderRadius: radius.control,
        background: theme.accent,
        color: theme.onAccent,
        ...textStyle('strong'),
        cursor: busy ? 'progress' : 'pointer',
      }}
    >
      {busy ? 'One moment …' : props.title}
    </button>
  );
}

/** The few properties that the app's forms use, as CSS has them. */
function domStyle(style: ViewStyle | undefined): Record<string, string | number> {
  const { gap, flexDirection, maxWidth, width } = style ?? {};
  const css: Record<string, string | number> = {
    display: 'flex',
    flexDirection: flexDirection ?? 'column',
    boxSizing: 'border-box',
  };
  if (typeof gap === 'number') css.gap = gap;
  if (typeof maxWidth === 'number') css.maxWidth = maxWidth;
  if (typeof width === 'number' || typeof width === 'string') css.width = width;
  return css;
}
