// SPDX-License-Identifier: MIT

import { beforeEach, describe, expect, it } from 'vitest';
import { FakeEnvironment } from '../../client/test/fake-environment.ts';
import { Engagement } from '../src/orders/engagement.ts';

let environment: FakeEnvironment;
let isEngaged: boolean;
let engagement: Engagement;

beforeEach(() => {
  environment = new FakeEnvironment();
  isEngaged = false;
  engagement = new Engagement(environment.timers, (now) => {
    isEngaged = now;
  });
});

describe('a user at the list', () => {
  it('is there as long as the pointer moves, and gone with it', async () => {
    for (let move = 0; move < 10; move += 1) {
      engagement.onPointer();
      await environment.pass(20_000);
      expect(isEngaged).toBe(true);
    }
    engagement.onPointerGone(true);
    expect(isEngaged).toBe(false);
  });

  it('is gone where the pointer is elsewhere, though nobody has told that it left', async () => {
    engagement.onPointerElsewhere(true);
    expect(environment.pendingTimers).toBe(0);
    engagement.onPointer();
    engagement.onPointerElsewhere(true);
    expect(isEngaged).toBe(false);
    engagement.onPointer();
    engagement.onPointerElsewhere(false); // A finger comes back, and may move elsewhere meanwhile.
    await environment.pass(4000);
    engagement.onPointerElsewhere(false);
    expect(isEngaged).toBe(true);
    await environment.pass(1000);
    expect(isEngaged).toBe(false);
  });

  it('is not there for a mouse that was let go over it, until it moves again', async () => {
    engagement.onPointer();
    await environment.pass(25_000);
    expect([isEngaged, environment.pendingTimers]).toEqual([false, 0]);
    engagement.onPointer();
    expect(isEngaged).toBe(true);
  });

  it('is not there for a focus that a click has left behind', () => {
    engagement.onPointer();
    engagement.onFocus(false);
    engagement.onPointerGone(true);
    expect(isEngaged).toBe(false);
  });

  it('is there for a focus that the keyboard brought, as long as keys are pressed', async () => {
    engagement.onFocus(true);
    await environment.pass(20_000);
    engagement.onKey();
    await environment.pass(20_000);
    expect(isEngaged).toBe(true);
    await environment.pass(5000);
    expect(isEngaged).toBe(false);
    engagement.onKey();
    expect(isEngaged).toBe(true);
    engagement.onFocusGone();
    expect(isEngaged).toBe(false);
  });

  it('stays five seconds after a finger has left', async () => {
    engagement.onPointer();
    engagement.onPointerGone(false);
    await environment.pass(4999);
    expect(isEngaged).toBe(true);
    await environment.pass(1);
    expect(isEngaged).toBe(false);
  });

  it('leaves no timer behind', () => {
    engagement.onPointer();
    engagement.onPointerGone(false);
    engagement.stop();
    expect(environment.pendingTimers).toBe(0);
  });
});
