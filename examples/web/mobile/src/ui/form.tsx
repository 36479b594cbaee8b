// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { type StyleProp, View, type ViewStyle } from 'react-native';
import { Button } from './button.tsx';

export interface FormProps {
  readonly label: string;
  readonly onSubmit: () => void;
  readonly style?: StyleProp<ViewStyle>;
  readonly children: ReactNode;
}

export interface SubmitProps {
  readonly title: string;
  readonly busy?: boolean;
  /** For a platform whose forms don't submit by themselves. */
  readonly onSubmit: () => void;
}

/** Fields that belong together. `form.web.tsx` is a real form, which browsers and password managers know. */
export function Form(props: FormProps): ReactNode {
  return <View style={props.style}>{props.children}</View>;
}

export function SubmitButton(props: SubmitProps): ReactNode {
  return <Button title={props.title} onPress={props.onSubmit} busy={props.busy ?? false} />;
}
