// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { Interest } from '../../src/order-client/interest.ts';
import { FakeEnvironment } from '../fake-environment.ts';

function setUp() {
  const environment = new FakeEnvironment();
  const events: string[] = [];
  const interest = new Interest({
    timers: environment.timers,
    start: () => events.push('start'),
    stop: () => events.push('stop'),
  });
  return { environment, events, interest };
}

describe('interest', () => {
  it('starts with the first and stops a moment after the last', async () => {
    const { environment, events, interest } = setUp();
    interest.retain();
    interest.retain();
    interest.release();
    await environment.pass(5000);
    expect(events).toEqual(['start']);
    interest.release();
    expect(interest.isActive).toBe(false);
    await environment.pass(999);
    expect(events).toEqual(['start']);
    await environment.pass(1);
    expect(events).toEqual(['start', 'stop']);
    interest.retain();
    expect(events).toEqual(['start', 'stop', 'start']);
  });

  it('goes on when a watcher comes back in time', async () => {
    const { environment, events, interest } = setUp();
    interest.retain();
    interest.release();
    interest.retain();
    await environment.pass(5000);
    expect(events).toEqual(['start']);
  });

  it('stops at once and for good when it is closed', async () => {
    const { environment, events, interest } = setUp();
    interest.retain();
    interest.close();
    interest.close();
    interest.release();
    interest.retain();
    await environment.pass(5000);
    expect(events).toEqual(['start', 'stop']);
    expect(interest.isActive).toBe(false);
  });
});
