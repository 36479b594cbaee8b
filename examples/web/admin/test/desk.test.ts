// SPDX-License-Identifier: MIT

import { beforeEach, describe, expect, it } from 'vitest';
import { FakeEnvironment, makeOrder } from '../../client/test/fake-environment.ts';
import { ageTone, stopwatch } from '../src/desk/age.ts';
import { Alarm } from '../src/desk/alarm.ts';
import { ClickGuard, guardMs } from '../src/desk/click-guard.ts';
import { commandOf } from '../src/desk/keys.ts';
import { OpenedOrders } from '../src/desk/opened-orders.ts';
import { isStaff, mayCancelFor, maySeeKitchen, nextStepFor } from '../src/desk/permissions.ts';
import { defaultSettings, readSettings, SettingsStore } from '../src/desk/settings.ts';
import { columnsOf, isUnpaidOnline, meaningOf } from '../src/kitchen/board.ts';
import { mayReload } from '../src/shell/reload.ts';

describe('the bell', () => {
  let environment: FakeEnvironment;
  let rings: number;
  let notified: string[];
  let alarm: Alarm;
  const makeAlarm = (): Alarm =>
    new Alarm({
      timers: environment.timers,
      ring: () => {
        rings += 1;
      },
      notify: (id) => notified.push(id),
      repeatMs: () => 4000,
      opened: { read: () => null, add: () => undefined },
    });
  beforeEach(() => {
    environment = new FakeEnvironment();
    rings = 0;
    notified = [];
    alarm = makeAlarm();
    alarm.onPending([{ id: 'old' }]);
  });

  it('does not ring for what was there before', () => {
    alarm.onHint('old', 'PENDING'); // Its payment, say.
    expect([rings, notified, alarm.unseen.size]).toEqual([0, [], 0]);
  });

  it('rings again and again until the order is opened', async () => {
    alarm.onHint('new', 'PENDING');
    expect(rings).toBe(1);
    await environment.pass(8000);
    expect(rings).toBe(3);
    alarm.onOpened('new');
    await environment.pass(60_000);
    expect([rings, environment.pendingTimers]).toEqual([3, 0]);
    expect(notified).toEqual(['new']);
  });

  it('stops when another user confirms the order', async () => {
    alarm.onHint('new', 'PENDING');
    alarm.onHint('new', 'CONFIRMED');
    await environment.pass(60_000);
    expect([rings, alarm.unseen.size]).toEqual([1, 0]);
  });

  it('goes on for the others, and is silenced for all', async () => {
    alarm.onHint('one', 'PENDING');
    alarm.onHint('two', 'PENDING');
    expect(rings).toBe(2);
    alarm.onOpened('one');
    await environment.pass(4000);
    expect(rings).toBe(3);
    alarm.silence();
    await environment.pass(60_000);
    expect(rings).toBe(3);
  });

  it('rings for what was placed while the connection was gone', () => {
    alarm.onPending([{ id: 'missed' }]);
    expect([rings, [...alarm.unseen]]).toEqual([1, ['missed']]);
    alarm.onPending([]); // And was taken by another.
    expect(alarm.unseen.size).toBe(0);
  });
});

describe('the bell after a reload or another sign-in', () => {
  let stored: Map<string, string>;
  let rings: number;
  const start = (...pending: string[]): Alarm => {
    const alarm = new Alarm({
      timers: new FakeEnvironment().timers,
      ring: () => {
        rings += 1;
      },
      notify: () => undefined,
      repeatMs: () => 4000,
      opened: new OpenedOrders(
        {
          get: (key) => stored.get(key) ?? null,
          set: (key, value) => void stored.set(key, value),
          remove: (key) => void stored.delete(key),
        },
        'opened',
      ),
    });
    alarm.onPending(pending.map((id) => ({ id })));
    return alarm;
  };
  beforeEach(() => {
    stored = new Map();
    rings = 0;
    start('old').onHint('new', 'PENDING');
    rings = 0;
  });

  it('rings for what nobody has opened, also for what came meanwhile', () => {
    const alarm = start('old', 'new', 'meanwhile');
    expect([rings, [...alarm.unseen]]).toEqual([1, ['new', 'meanwhile']]);
  });

  it('is quiet about what was opened or silenced', () => {
    start('old', 'new').onOpened('new');
    start('old', 'new', 'second').silence();
    rings = 0;
    expect([start('old', 'new', 'second').unseen.size, rings]).toEqual([0, 0]);
  });

  it('is quiet about what is opened before the list has come', () => {
    const alarm = new Alarm({
      timers: new FakeEnvironment().timers,
      ring: () => {
        rings += 1;
      },
      notify: () => undefined,
      repeatMs: () => 4000,
      opened: { read: () => new Set<string>(), add: () => undefined },
    });
    alarm.onOpened('new');
    alarm.onPending([{ id: 'new' }]);
    expect([rings, alarm.unseen.size]).toEqual([0, 0]);
  });

  it('is as in a new browser if what is stored can’t be read', () => {
    for (const text of ['x', '{}', '1']) {
      stored.set('opened', text);
      expect(start('old', 'new').unseen.size).toBe(0);
    }
  });
});

describe('a button', () => {
  it('takes one click of a double click', () => {
    const guard = new ClickGuard();
    guard.means('CONFIRMED', 0);
    expect(guard.click(0)).toBe(true);
    expect(guard.click(200)).toBe(false);
    expect(guard.click(guardMs)).toBe(true);
  });

  it('ignores clicks for a while where it comes in place of another', () => {
    const guard = new ClickGuard(true);
    guard.means('CONFIRMED', 1000);
    expect(guard.click(1000 + guardMs - 1)).toBe(false);
    expect(guard.click(1000 + guardMs)).toBe(true);
  });

  it('ignores clicks for a while after its meaning has changed', () => {
    const guard = new ClickGuard();
    guard.means('CONFIRMED', 0);
    guard.means('PREPARING', 5000);
    guard.means('PREPARING', 5600);
    expect(guard.click(5000 + guardMs - 1)).toBe(false);
    expect(guard.click(5000 + guardMs)).toBe(true);
  });
});

describe('age', () => {
  const limits = { amberMinutes: 5, redMinutes: 10 };
  const tone = (minutes: number, status = 'PENDING') =>
    ageTone(
      { status, createdAt: '2026-01-01T00:00:00Z' },
      Date.UTC(2026, 0, 1, 0, minutes),
      limits,
    );

  it('is amber after five minutes and red after ten, while the order is open', () => {
    expect([tone(4), tone(5), tone(9), tone(10)]).toEqual(['new', 'amber', 'amber', 'red']);
    expect(tone(600, 'DELIVERED')).toBe('done');
  });

  it('runs as a stopwatch', () => {
    const at = (seconds: number) =>
      stopwatch('2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1) + seconds * 1000);
    expect([at(-5), at(7), at(247), at(3729), at(200_000)]).toEqual([
      '0:00',
      '0:07',
      '4:07',
      '1:02:09',
      '2 d',
    ]);
    expect(stopwatch('?', 0)).toBe('—');
  });
});

describe('settings', () => {
  it('are the defaults where nothing, or nothing good, is stored', () => {
    for (const stored of [null, '', 'x', '[]', 'null', '{"undoSeconds":-1,"sound":"yes"}']) {
      expect(readSettings(stored)).toEqual(defaultSettings);
    }
  });

  it('never have red before amber', () => {
    expect(readSettings('{"amberMinutes":20,"redMinutes":10}').redMinutes).toBe(20);
  });

  it('are kept', () => {
    const kept = new Map<string, string>();
    const storage = {
      get: (key: string) => kept.get(key) ?? null,
      set: (key: string, value: string) => void kept.set(key, value),
      remove: (key: string) => void kept.delete(key),
    };
    new SettingsStore(storage, 'k').change({ sound: false, undoSeconds: 10 });
    expect(new SettingsStore(storage, 'k').get()).toMatchObject({ sound: false, undoSeconds: 10 });
  });
});

describe('keys', () => {
  const key = (name: string, more = {}) => ({
    key: name,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    repeat: false,
    ...more,
  });
  it('ask for what the help says, but not while the user types or with a modifier', () => {
    expect(commandOf(key('j'), false)).toBe('next');
    expect(commandOf(key('C'), false)).toBe('step');
    expect(commandOf(key('c'), true)).toBeNull();
    expect(commandOf(key('c', { ctrlKey: true }), false)).toBeNull();
  });
  it('move on while held, and take one step only', () => {
    expect(commandOf(key('j', { repeat: true }), false)).toBe('next');
    expect(commandOf(key('c', { repeat: true }), false)).toBeNull();
  });
});

describe('who may', () => {
  const ready = makeOrder('o', 1, { status: 'READY' });
  it('offers a rider the road alone', () => {
    expect(nextStepFor('RIDER', ready)).toBe('OUT_FOR_DELIVERY');
    expect(nextStepFor('RIDER', makeOrder('o', 1))).toBeNull();
    expect(nextStepFor('RIDER', { ...ready, fulfillmentType: 'PICKUP' })).toBeNull();
    expect([mayCancelFor('RIDER', ready), maySeeKitchen('RIDER')]).toEqual([false, false]);
  });
  it('offers staff everything, a customer nothing', () => {
    expect(nextStepFor('STAFF', makeOrder('o', 1))).toBe('CONFIRMED');
    expect(mayCancelFor('STAFF', ready)).toBe(true);
    expect([isStaff('CUSTOMER'), isStaff('MADE_UP'), nextStepFor('CUSTOMER', ready)]).toEqual([
      false,
      false,
      null,
    ]);
  });
});

describe('the kitchen', () => {
  const orders = [
    makeOrder('a', 1),
    makeOrder('b', 1, { status: 'CONFIRMED' }),
    makeOrder('c', 1, { status: 'READY' }),
  ];
  it('has three columns', () => {
    expect(columnsOf(orders).map(({ name, count }) => [name, count])).toEqual([
      ['New', 2],
      ['Preparing', 0],
      ['Ready', 1],
    ]);
  });
  it('tells what is to be confirmed from what is to be prepared, and from what nobody has paid', () => {
    const unpaid = makeOrder('u', 1, { paymentMethod: 'ONLINE', paymentStatus: 'PENDING' });
    const [column] = columnsOf([unpaid, ...orders]);
    expect(
      column?.groups.map(({ name, orders: own }) => [name, ...own.map(({ id }) => id)]),
    ).toEqual([
      ['To confirm', 'a'],
      ['To prepare', 'b'],
      ['Waits for its payment', 'u'],
    ]);
    expect(column?.count).toBe(2);
  });
  it('confirms no order that was to be paid online and is not', () => {
    const online = makeOrder('a', 1, { paymentMethod: 'ONLINE', paymentStatus: 'PENDING' });
    expect(isUnpaidOnline(online)).toBe(true);
    expect(isUnpaidOnline({ ...online, paymentStatus: 'PAID' })).toBe(false);
    expect(isUnpaidOnline({ ...online, paymentMethod: 'COD' })).toBe(false);
  });
  it('takes a tap for another one when a card above has gone', () => {
    const [before] = columnsOf(orders);
    const [after] = columnsOf(orders.slice(1));
    if (!before || !after) throw new Error('no column');
    expect(meaningOf([before], 'b', 'PREPARING')).not.toBe(meaningOf([after], 'b', 'PREPARING'));
    expect(meaningOf([before], 'a', 'CONFIRMED')).toBe(meaningOf([before], 'a', 'CONFIRMED'));
  });
});

describe('a page that lacks a part of itself', () => {
  it('is loaded again, but not again and again', () => {
    expect(mayReload({ navigation: 'navigate', ageMs: 100 })).toBe(true);
    expect(mayReload({ navigation: 'reload', ageMs: 100 })).toBe(false);
    expect(mayReload({ navigation: 'reload', ageMs: 3_600_000 })).toBe(true);
  });
});
