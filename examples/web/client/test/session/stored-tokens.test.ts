// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { StoredTokens } from '../../src/session/stored-tokens.ts';
import { FakeEnvironment } from '../fake-environment.ts';

const key = 'session';
const mine = { access: 'access-1', refresh: 'refresh-1' };
const other = { access: 'access-2', refresh: 'refresh-2' };

function setUp() {
  const entries = new Map<string, string>();
  const stored = new StoredTokens({
    storage: {
      get: (name) => entries.get(name) ?? null,
      set: (name, value) => void entries.set(name, value),
      remove: (name) => void entries.delete(name),
    },
    key,
    timers: new FakeEnvironment().timers,
    onProblem: () => undefined,
  });
  return { entries, stored };
}

describe('stored tokens', () => {
  it('are kept unless their session has ended meanwhile', async () => {
    const { entries, stored } = setUp();
    await stored.keep(mine, () => true);
    expect(await stored.restore()).toEqual(mine);
    stored.markEnded(mine.refresh);
    await stored.keep(mine, () => false);
    expect(entries.size).toBe(0);
  });

  it('are removed only if their session has ended', async () => {
    const { entries, stored } = setUp();
    await stored.keep(mine, () => true);
    stored.markEnded(other.refresh);
    await stored.removeEnded();
    expect(entries.size).toBe(1);
    stored.markEnded(mine.refresh);
    await stored.removeEnded();
    expect(entries.size).toBe(0);
  });

  it('show what another tab did, unless nothing was stored', async () => {
    const { entries, stored } = setUp();
    expect(await stored.isReplacedElsewhere(mine)).toBe(false);
    await stored.keep(mine, () => true);
    expect(await stored.isReplacedElsewhere(mine)).toBe(false);
    entries.set(key, JSON.stringify(other));
    expect(await stored.isReplacedElsewhere(mine)).toBe(true);
    stored.leave();
    expect(await stored.isReplacedElsewhere(mine)).toBe(false);
  });

  it('remember a bounded number of ended sessions', () => {
    const { stored } = setUp();
    for (let count = 0; count <= 16; count += 1) stored.markEnded(`refresh-${count}`);
    expect(stored.hasEnded('refresh-0')).toBe(false);
    expect(stored.hasEnded('refresh-1')).toBe(true);
    expect(stored.hasEnded('refresh-16')).toBe(true);
  });
});
