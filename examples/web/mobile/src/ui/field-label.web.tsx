// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { useTheme } from '../theme.ts';
import { textStyle } from './dom-style.ts';
import type { FieldLabelProps } from './field-label.tsx';

export function FieldLabel(props: FieldLabelProps): ReactNode {
  return (
    <label
      id={props.id}
      htmlFor={props.fieldId}
      style={{ ...textStyle('strong'), color: useTheme().text }}
    >
      {props.text}
    </label>
  );
}
