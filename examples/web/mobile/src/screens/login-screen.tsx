// SPDX-License-Identifier: MIT

import { ApiError, problemText } from '@ordercast/client';
import { type ReactNode, useState } from 'react';
import { ScrollView, StyleSheet, Text, TextInput, View } from 'react-native';
import { Button } from '../components/button.tsx';
import { useServices } from '../services.ts';
import { radius, space, type Theme, useTheme } from '../theme.ts';

export function LoginScreen(props: { reason: string | undefined }): ReactNode {
  const { session } = useServices();
  const theme = useTheme();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(props.reason);

  async function signIn(): Promise<void> {
    setBusy(true);
    setProblem(undefined);
    try {
      await session.signIn(email.trim(), password);
    } catch (error) {
      const isWrong = error instanceof ApiError && error.status === 401;
      setProblem(isWrong ? 'Email or password is wrong.' : problemText(error));
      setBusy(false);
    }
  }

  return (
    <ScrollView contentContainerStyle={styles.page} keyboardShouldPersistTaps="handled">
      <View style={styles.intro}>
        <Text style={[styles.title, { color: theme.text }]} accessibilityRole="header">
          Welcome back
        </Text>
        <Text style={[styles.lead, { color: theme.muted }]}>
          Sign in to follow your orders, live.
        </Text>
      </View>
      <Field theme={theme} label="Email" value={email} onChange={setEmail} onSubmit={signIn} />
      <Field
        theme={theme}
        label="Password"
        value={password}
        onChange={setPassword}
        onSubmit={signIn}
        secret
      />
      {problem !== undefined && (
        <Text style={[styles.problem, { color: theme.danger }]} accessibilityRole="alert">
          {problem}
        </Text>
      )}
      <Button
        title="Sign in"
        onPress={() => void signIn()}
        busy={busy}
        disabled={email.trim() === '' || password === ''}
      />
    </ScrollView>
  );
}

function Field(props: {
  theme: Theme;
  label: string;
  value: string;
  onChange: (text: string) => void;
  onSubmit: () => Promise<void>;
  secret?: boolean;
}): ReactNode {
  const { theme, label, secret = false } = props;
  return (
    <View style={styles.field}>
      <Text style={[styles.label, { color: theme.text }]}>{label}</Text>
      <TextInput
        accessibilityLabel={label}
        value={props.value}
        onChangeText={props.onChange}
        onSubmitEditing={() => void props.onSubmit()}
        secureTextEntry={secret}
        autoCapitalize="none"
        autoCorrect={false}
        keyboardType={secret ? 'default' : 'email-address'}
        textContentType={secret ? 'password' : 'username'}
        style={[
          styles.input,
          { color: theme.text, backgroundColor: theme.card, borderColor: theme.border },
        ]}
      />
    </View>
  );
}

const styles = StyleSheet.create({
  page: { flexGrow: 1, justifyContent: 'center', padding: 24, gap: space.large },
  intro: { gap: 6, marginBottom: space.small },
  title: { fontSize: 30, fontWeight: '800' },
  lead: { fontSize: 16 },
  field: { gap: 6 },
  label: { fontSize: 14, fontWeight: '600' },
  input: {
    minHeight: 48,
    borderWidth: 1,
    borderRadius: radius.control,
    paddingHorizontal: 14,
    fontSize: 16,
  },
  problem: { fontSize: 15 },
});
