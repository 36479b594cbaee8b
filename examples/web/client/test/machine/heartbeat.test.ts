// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { LateTimerGrace, never } from '../../src/machine/deadlines.ts';
import { Heartbeat } from '../../src/machine/heartbeat.ts';

const options = { pingIntervalMs: 100, pongTimeoutMs: 10, wakeFloorMs: 5 };

describe('heartbeat', () => {
  it('pings after an interval of silence, and gives the pong a deadline', () => {
    const heartbeat = new Heartbeat(options);
    expect(heartbeat.next).toBe(never);
    heartbeat.heard(0);
    expect(heartbeat.isPingDue(99)).toBe(false);
    expect(heartbeat.isPingDue(100)).toBe(true);
    heartbeat.awaitPong(100);
    expect(heartbeat.next).toBe(110);
    expect(heartbeat.isPingDue(110)).toBe(false);
    expect(heartbeat.isPongOverdue(109)).toBe(false);
    expect(heartbeat.isPongOverdue(110)).toBe(true);
    heartbeat.heard(109);
    expect(heartbeat.pongBy).toBe(never);
    expect(heartbeat.next).toBe(209);
  });

  it('probes neither while a pong is awaited nor right after a ping', () => {
    const heartbeat = new Heartbeat(options);
    expect(heartbeat.mayProbe(0)).toBe(true);
    heartbeat.pinged(0);
    expect(heartbeat.mayProbe(4)).toBe(false);
    expect(heartbeat.mayProbe(5)).toBe(true);
    heartbeat.awaitPong(5, 50);
    expect(heartbeat.pongBy).toBe(55);
    expect(heartbeat.mayProbe(20)).toBe(false);
    heartbeat.stop();
    expect(heartbeat.next).toBe(never);
    expect(heartbeat.mayProbe(20)).toBe(true);
  });
});

describe('the grace for late timers', () => {
  it('is there once until it is renewed', () => {
    const grace = new LateTimerGrace(1000);
    expect(grace.take(0, 999)).toBe(false); // On time: the server is late.
    expect(grace.take(0, 1000)).toBe(true);
    expect(grace.take(0, 1000)).toBe(false);
    grace.renew();
    expect(grace.take(0, 1000)).toBe(true);
  });
});
