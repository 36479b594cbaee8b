// SPDX-License-Identifier: MIT

import { beforeEach, expect, it } from 'vitest';
import { settle } from '../../client/test/fake-environment.ts';
import { orderOfPush, PushRegistration } from '../src/logic/push-registration.ts';
import type { Push, PushDevice } from '../src/platform.ts';

const device = (token: string): PushDevice => ({ token, platform: 'android' });

let calls: string[];
let listeners: ((next: PushDevice) => void)[];
let first: PushDevice | null;
let fails: boolean;

const push: Push = {
  async register() {
    return first;
  },
  onTokenChange(listener) {
    listeners = [listener];
    return () => {
      listeners = [];
    };
  },
  onOpened: () => () => undefined,
};
const rotate = (next: PushDevice): void => {
  for (const listener of listeners) listener(next);
};

function makeRegistration(): PushRegistration {
  const call = (name: string) => async (what: PushDevice) => {
    calls.push(`${name} ${what.token}`);
    if (fails) throw new Error('down');
  };
  return new PushRegistration({ push, add: call('add'), remove: call('remove') });
}

beforeEach(() => {
  calls = [];
  listeners = [];
  first = device('t-1');
  fails = false;
});

it('registers the device, and its next token in place of the old one', async () => {
  await makeRegistration().start();
  rotate(device('t-2'));
  await settle();
  expect(calls).toEqual(['add t-1', 'add t-2', 'remove t-1']);
});

it('registers a token once, however often it is told', async () => {
  await makeRegistration().start();
  rotate(device('t-1'));
  await settle();
  expect(calls).toEqual(['add t-1']);
});

it('names what the server knows at sign-out and follows no more', async () => {
  const registration = makeRegistration();
  await registration.start();
  rotate(device('t-2'));
  const late = [...listeners];
  expect(registration.stop()).toEqual(device('t-1')); // t-2 had not been sent yet.
  expect(listeners).toEqual([]);
  for (const listener of late) listener(device('t-3'));
  await settle();
  expect(calls).toEqual(['add t-1']);
});

it('does without permission', async () => {
  first = null;
  const registration = makeRegistration();
  await registration.start();
  expect(calls).toEqual([]);
  expect(registration.stop()).toBeNull();
});

it('goes on after a call that failed', async () => {
  fails = true;
  await makeRegistration().start();
  fails = false;
  rotate(device('t-2'));
  await settle();
  expect(calls).toEqual(['add t-1', 'add t-2', 'remove t-1']);
});

it('finds the order that a push is about', () => {
  expect(orderOfPush({ orderId: 'o-1', status: 'READY', version: '3' })).toBe('o-1');
  expect(orderOfPush({ orderId: '' })).toBeNull();
  expect(orderOfPush({ orderId: 7 })).toBeNull();
  expect(orderOfPush(undefined)).toBeNull();
});
