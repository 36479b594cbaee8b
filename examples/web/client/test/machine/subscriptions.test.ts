// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { never } from '../../src/machine/deadlines.ts';
import { defaultMachineOptions } from '../../src/machine/options.ts';
import { Subscriptions } from '../../src/machine/subscriptions.ts';

const make = (options: Partial<typeof defaultMachineOptions> = {}): Subscriptions =>
  new Subscriptions({ ...defaultMachineOptions, ...options }, () => 0);

describe('subscriptions', () => {
  it('accept only versions that are newer than the application’s', () => {
    const subscriptions = make();
    subscriptions.add('a', 3);
    expect(subscriptions.accept('a', 3)).toBe('stale');
    expect(subscriptions.accept('a', 4)).toBe('accepted');
    expect(subscriptions.accept('a', 4)).toBe('stale');
    expect(subscriptions.accept('b', 1)).toBe('unsubscribed');
  });

  it('accept no version below the newest that was ever seen', () => {
    const subscriptions = make();
    subscriptions.add('a', 5);
    expect(subscriptions.remove('a')).toBe(true);
    expect(subscriptions.remove('a')).toBe(false);
    expect(subscriptions.add('a', 0)).toBe('added');
    expect(subscriptions.accept('a', 4)).toBe('stale');
    expect(subscriptions.accept('a', 5)).toBe('accepted');
  });

  it('remember a bounded number of versions, and forget the one that was left first', () => {
    const subscriptions = make({ maxRemembered: 1 });
    for (const id of ['a', 'b']) {
      subscriptions.add(id, 5);
      subscriptions.remove(id);
    }
    subscriptions.add('a', 0);
    subscriptions.add('b', 0);
    expect(subscriptions.accept('a', 1)).toBe('accepted');
    expect(subscriptions.accept('b', 1)).toBe('stale');
  });

  it('refuse an invalid id, and more than the maximum', () => {
    const subscriptions = make({ maxSubscriptions: 1 });
    expect(subscriptions.add('', 0)).toBe('invalid_id');
    expect(subscriptions.add('a', 0)).toBe('added');
    expect(subscriptions.add('b', 0)).toBe('full');
    expect(subscriptions.add('a', 7)).toBe('held');
    expect(subscriptions.message('a')).toEqual({ type: 'subscribe', orderId: 'a', since: 7 });
    expect(subscriptions.message('b')).toBeNull();
  });

  it('forget all versions when the server’s store is another one', () => {
    const subscriptions = make();
    subscriptions.add('a', 5);
    expect(subscriptions.setEpoch('first')).toBe(false);
    expect(subscriptions.allMessages(false)).toEqual([
      { type: 'subscribe', orderId: 'a', since: 5, epoch: 'first' },
    ]);
    expect(subscriptions.setEpoch('first')).toBe(false);
    expect(subscriptions.setEpoch('second')).toBe(true);
    expect(subscriptions.accept('a', 1)).toBe('accepted');
  });

  it('are sent again with backoff, until the connection ends', () => {
    const subscriptions = make();
    subscriptions.add('a', 0);
    subscriptions.retryLater('a', 0);
    subscriptions.retryLater('a', 500); // Due already.
    expect(subscriptions.next).toBe(1000);
    expect(subscriptions.add('a', 0)).toBe('retry');
    expect(subscriptions.due(999, false)).toEqual([]);
    expect(subscriptions.due(1000, false)).toHaveLength(1);
    expect(subscriptions.next).toBe(never);
    subscriptions.retryLater('a', 1000);
    expect(subscriptions.next).toBe(3000);
    subscriptions.answered('a');
    subscriptions.connectionEnded();
    expect(subscriptions.next).toBe(never);
    subscriptions.retryLater('a', 0);
    expect(subscriptions.next).toBe(1000);
  });

  it('are all sent again once when a message was dropped', () => {
    const subscriptions = make();
    subscriptions.add('a', 0);
    subscriptions.add('b', 0);
    subscriptions.resyncLater(0);
    subscriptions.resyncLater(1000);
    expect(subscriptions.next).toBe(5000);
    expect(subscriptions.due(5000, false)).toEqual([
      { type: 'subscribe', orderId: 'a', since: 0 },
      { type: 'subscribe', orderId: 'b', since: 0 },
    ]);
    expect(subscriptions.due(5000, false)).toEqual([]);
    subscriptions.resyncLater(5000);
    const orders = [
      { orderId: 'a', since: 0 },
      { orderId: 'b', since: 0 },
    ];
    expect(subscriptions.due(10_000, true)).toEqual([{ type: 'subscribe', orders }]);
  });
});
