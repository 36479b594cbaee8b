// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { HeldTokens } from '../../src/session/held-tokens.ts';

/** A token issued `agoS` seconds ago that lives for `lifeS` seconds. */
function token(agoS: number, lifeS: number): string {
  const iat = Math.floor(Date.now() / 1000) - agoS;
  const claims = Buffer.from(JSON.stringify({ iat, exp: iat + lifeS })).toString('base64url');
  return `head.${claims}.signature`;
}

describe('held tokens', () => {
  it('need renewal before they expire, by a margin of the session’s own', () => {
    let now = 0;
    const tokens = new HeldTokens(() => now, 0.5);
    expect(tokens.needsRenewal).toBe(false);
    expect(tokens.expiresInMs).toBeNull();
    tokens.set({ access: token(0, 900), refresh: 'r' }, true);
    expect(tokens.expiresInMs).toBe(900_000 - 45_000);
    now = 854_999;
    expect(tokens.needsRenewal).toBe(false);
    now = 855_000;
    expect(tokens.needsRenewal).toBe(true);
  });

  it('use a short-lived token for half of its life, and a fresh one whatever the device’s clock says', () => {
    const tokens = new HeldTokens(() => 0, 0);
    tokens.set({ access: token(10_000, 20), refresh: 'r' }, true);
    expect(tokens.expiresInMs).toBe(10_000);
    tokens.set({ access: token(10_000, 20), refresh: 'r' });
    expect(tokens.needsRenewal).toBe(true);
  });

  it('never need renewal where the life is not known', () => {
    const tokens = new HeldTokens(() => 0, 0);
    tokens.set({ access: 'opaque', refresh: 'r' });
    expect(tokens.expiresInMs).toBeNull();
    expect(tokens.needsRenewal).toBe(false);
    expect(tokens.isCurrent({ access: 'renewed', refresh: 'r' })).toBe(true);
    tokens.clear();
    expect(tokens.access).toBeNull();
    expect(tokens.isCurrent({ access: 'renewed', refresh: 'r' })).toBe(false);
  });
});
