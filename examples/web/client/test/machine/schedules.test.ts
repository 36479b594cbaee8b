// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { never } from '../../src/machine/deadlines.ts';
import { FallbackPoll } from '../../src/machine/fallback-poll.ts';
import { defaultMachineOptions } from '../../src/machine/options.ts';
import { ReconnectSchedule } from '../../src/machine/reconnect-schedule.ts';

describe('the fallback poll', () => {
  it('is due after an interval, up to a fifth of it earlier', () => {
    const draws = [0, 0.5];
    const poll = new FallbackPoll(1000, () => draws.shift() ?? 0);
    expect(poll.isDue(0)).toBe(false);
    poll.schedule(0);
    expect(poll.at).toBe(1000);
    poll.schedule(1000);
    expect(poll.at).toBe(1900);
    expect(poll.isDue(1899)).toBe(false);
    expect(poll.isDue(1900)).toBe(true);
    poll.stop();
    expect(poll.at).toBe(never);
  });
});

describe('the reconnect schedule', () => {
  const make = () => new ReconnectSchedule(defaultMachineOptions, () => 0);

  it('backs off until failures are forgotten', () => {
    const schedule = make();
    schedule.failed(0, {});
    expect(schedule.retryAt).toBe(1000);
    expect(schedule.isDue(1000)).toBe(true);
    schedule.attempted(1000);
    expect(schedule.retryAt).toBe(never);
    schedule.failed(1000, {});
    expect(schedule.retryAt).toBe(3000);
    expect(schedule.failures).toBe(2);
    schedule.forgetFailures();
    schedule.failed(3000, {});
    expect(schedule.retryAt).toBe(4000);
    schedule.cancel();
    expect(schedule.retryAt).toBe(never);
    expect(schedule.failures).toBe(0);
  });

  it('attempts at once on waking, but not twice within the floor', () => {
    const schedule = make();
    schedule.attempted(0);
    schedule.failed(100, {});
    expect(schedule.retryAt).toBe(1100);
    expect(schedule.wake(500)).toBe('moved');
    expect(schedule.retryAt).toBe(1000);
    expect(schedule.wake(600)).toBe('unchanged');
    expect(schedule.wake(1000)).toBe('now');
  });

  it('is not moved by waking before the time that the server asked for', () => {
    const schedule = make();
    schedule.failed(0, { retryAfterMs: 20_000 });
    expect(schedule.retryAt).toBe(20_000);
    expect(schedule.wake(10_000)).toBe('unchanged');
    schedule.failed(20_000, { slow: true });
    expect(schedule.retryAt).toBe(50_000);
    expect(schedule.wake(40_000)).toBe('unchanged');
  });
});
