// SPDX-License-Identifier: MIT

import { expect, it } from 'vitest';
import type { Input } from '../../src/machine.ts';
import { TokenRequests } from '../../src/order-client/token-requests.ts';

it('token requests feed the answer to the newest one alone', async () => {
  const inputs: Input[] = [];
  const problems: unknown[] = [];
  const answers: (() => Promise<string | null>)[] = [];
  const tokens = new TokenRequests({
    getToken: () => (answers.shift() as () => Promise<string | null>)(),
    tokenExpiresInMs: () => 500,
    now: () => 1000,
    feed: (input) => inputs.push(input),
    report: (problem) => problems.push(problem),
  });
  answers.push(
    async () => 'old',
    async () => 'new',
    async () => null,
    async () => {
      throw new Error('offline');
    },
    async () => 'late',
  );
  await Promise.all([tokens.ask(false), tokens.ask(true)]);
  await tokens.ask(false);
  await tokens.ask(false);
  const cancelled = tokens.ask(false);
  tokens.cancel();
  await cancelled;
  expect(inputs).toEqual([
    { type: 'token', token: 'new', renewAt: 1500 },
    { type: 'token_refused' },
    { type: 'token_failed' },
  ]);
  expect(problems).toHaveLength(1);
});
