// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { Text } from 'react-native';
import { type, useTheme } from '../theme.ts';

export interface FieldLabelProps {
  /** Of the field that it names. */
  readonly fieldId: string;
  readonly id: string;
  readonly text: string;
}

/** Names a text field. `field-label.web.tsx` is a real label. */
export function FieldLabel(props: FieldLabelProps): ReactNode {
  return (
    <Text nativeID={props.id} style={[type.strong, { color: useTheme().text }]}>
      {props.text}
    </Text>
  );
}
