// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { never } from '../../src/machine/deadlines.ts';
import { TokenSupply } from '../../src/machine/token-supply.ts';

describe('the token supply', () => {
  it('needs a token where there is none, and a newer one where it expires', () => {
    const tokens = new TokenSupply(100);
    expect(tokens.choose(0)).toEqual({ need: 'missing' });
    tokens.set('one', 50);
    expect(tokens.choose(49)).toEqual({ token: 'one' });
    expect(tokens.choose(50)).toEqual({ need: 'expiring' });
    tokens.set('two');
    expect(tokens.choose(50)).toEqual({ token: 'two' });
  });

  it('replaces a rejected token once', () => {
    const tokens = new TokenSupply(100);
    tokens.set('one');
    expect(tokens.chooseAfterRejection('one')).toEqual({ need: 'rejected' });
    expect(tokens.choose(0)).toEqual({ need: 'rejected' });
    tokens.set('two');
    expect(tokens.chooseAfterRejection('two')).toBeNull();
    tokens.forgetRejection();
    tokens.set('three');
    expect(tokens.chooseAfterRejection('two')).toEqual({ token: 'three' });
  });

  it('gives the answer to a request a deadline', () => {
    const tokens = new TokenSupply(100);
    expect(tokens.answerBy).toBe(never);
    tokens.ask(5);
    expect(tokens.isAsking).toBe(true);
    expect(tokens.answerBy).toBe(105);
    tokens.extend(105, 20);
    expect(tokens.answerBy).toBe(125);
    tokens.stopAsking();
    expect(tokens.isAsking).toBe(false);
    expect(tokens.answerBy).toBe(never);
  });
});
