// SPDX-License-Identifier: MIT

import { type ReactNode, useId } from 'react';
import { radius, space, useTheme } from '../theme.ts';
import type { ChoiceProps } from './choice.tsx';
import { textStyle } from './dom-style.ts';

/** Radio buttons of the browser's own: arrow keys, one tab stop, and a name for the group. */
export function Choice<T extends string>(props: ChoiceProps<T>): ReactNode {
  const theme = useTheme();
  const group = useId();
  return (
    <fieldset style={{ border: 0, margin: 0, padding: 0, minWidth: 0 }}>
      <legend
        style={{
          padding: 0,
          marginBottom: space.small,
          color: theme.text,
          ...textStyle('strong'),
        }}
      >
        {props.label}
      </legend>
      <div style={{ display: 'grid', gap: space.small }}>
        {props.options.map(({ value, name, hint }) => {
          const isChosen = value === props.value;
          return (
            <label
              key={value}
              style={{
                display: 'flex',
                alignItems: 'center',
                gap: 12,
                minHeight: 48,
                boxSizing: 'border-box',
                padding: `${space.small}px ${space.medium}px`,
                border: `1.5px solid ${isChosen ? theme.accent : theme.control}`,
                borderRadius: radius.control,
                background: theme.card,
                color: theme.text,
                cursor: 'pointer',
              }}
            >
              <input
                type="radio"
                name={group}
                value={value}
                checked={isChosen}
                onChange={() => props.onChange(value)}
                style={{
                  width: 20,
                  height: 20,
                  margin: 0,
                  flex: 'none',
                  accentColor: theme.accent,
                }}
              />
              <span style={{ minWidth: 0 }}>
                <span style={{ display: 'block', ...textStyle('strong') }}>{name}</span>
                {hint !== undefined && (
                  <span style={{ display: 'block', ...textStyle('small'), color: theme.muted }}>
                    {hint}
                  </span>
                )}
              </span>
            </label>
          );
        })}
      </div>
    </fieldset>
  );
}
