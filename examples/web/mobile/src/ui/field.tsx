// SPDX-License-Identifier: MIT

import { type ReactNode, useId } from 'react';
import { StyleSheet, Text, TextInput, type TextInputProps, View } from 'react-native';
import { radius, space, type, useTheme } from '../theme.ts';
// Without an extension: a browser gets `field-label.web.tsx`.
import { FieldLabel } from './field-label';

const plain: TextInputProps = { autoCapitalize: 'none', autoCorrect: false };
const inputs: Readonly<Record<'text' | 'email' | 'password' | 'long', TextInputProps>> = {
  text: {},
  long: { multiline: true, numberOfLines: 3 },
  email: { ...plain, autoComplete: 'username', inputMode: 'email', textContentType: 'username' },
  password: {
    ...plain,
    // The name that browsers know; the types at hand are older than it.
    autoComplete: 'current-password' as 'password',
    secureTextEntry: true,
    textContentType: 'password',
  },
};

/** A labelled text field. */
export function Field(props: {
  label: string;
  hint?: string;
  fault?: string | undefined;
  value: string;
  onChange: (text: string) => void;
  onSubmit?: () => void;
  kind?: keyof typeof inputs;
  longest?: number;
}): ReactNode {
  const theme = useTheme();
  const id = useId();
  const kind = props.kind ?? 'text';
  const said = props.fault ?? props.hint;
  const input = inputs[kind];
  // A form submits by itself in a browser; `aria-` names that React Native does not know go there, too.
  const web = {
    'aria-invalid': props.fault !== undefined,
    ...(said !== undefined && { 'aria-describedby': `${id}-said` }),
  };
  return (
    <View style={styles.field}>
      <FieldLabel fieldId={`${id}-field`} id={`${id}-label`} text={props.label} />
      <TextInput
        {...input}
        {...web}
        nativeID={`${id}-field`}
        aria-labelledby={`${id}-label`}
        value={props.value}
        onChangeText={props.onChange}
        {...(props.onSubmit && { onSubmitEditing: props.onSubmit })}
        {...(props.longest !== undefined && { maxLength: props.longest })}
        style={[
          styles.input,
          kind === 'long' && styles.long,
          { color: theme.text, backgroundColor: theme.card },
          { borderColor: props.fault === undefined ? theme.control : theme.danger },
        ]}
      />
      {said !== undefined && (
        <Text
          nativeID={`${id}-said`}
          style={[type.small, { color: props.fault === undefined ? theme.muted : theme.danger }]}
        >
          {said}
        </Text>
      )}
    </View>
  );
}

const styles = StyleSheet.create({
  field: { gap: 6 },
  input: {
    minHeight: 48,
    borderWidth: 1.5,
    borderRadius: radius.control,
    paddingHorizontal: space.medium,
    fontSize: 16,
  },
  long: { minHeight: 84, paddingVertical: 12, textAlignVertical: 'top' },
});
