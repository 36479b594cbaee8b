// SPDX-License-Identifier: MIT

import { ApiError, type NewOrder, type Order } from '@ordercast/client';
import { beforeEach, describe, expect, it } from 'vitest';
import { makeOrder } from '../../client/test/fake-environment.ts';
import { Notebook } from '../src/logic/notebook.ts';
import { type Exclusively, isRefusal, Placement } from '../src/logic/placement.ts';
import { FakeStorage } from './fake-storage.ts';

const order: NewOrder = {
  storeId: 'store-1',
  items: [{ productId: 'milk', quantity: 1 }],
  paymentMethod: 'COD',
  fulfillmentType: 'PICKUP',
};
const placed = makeOrder('o-1', 1);
const unreachable = new ApiError(0, 'Unreachable', 'The server can’t be reached');
const refused = new ApiError(400, 'Bad Request', 'Milk is sold out', { isEnvelope: true });

let storage: FakeStorage;
let sent: { order: NewOrder; key: string }[];
let answers: (Order | ApiError)[];
let writtenAtSend: string;
let now: number;
let keys: number;

function makePlacement(owner = 'user-1', exclusively?: Exclusively): Placement {
  return new Placement({
    place: async (body, key) => {
      sent.push({ order: body, key });
      writtenAtSend = [...storage.entries.values()].join();
      const answer = answers.shift();
      if (answer instanceof ApiError) throw answer;
      return answer ?? placed;
    },
    notebook: new Notebook(storage, owner),
    newKey: () => {
      keys += 1;
      return `key-${keys}`;
    },
    now: () => now,
    exclusively,
  });
}

beforeEach(() => {
  storage = new FakeStorage();
  sent = [];
  answers = [];
  writtenAtSend = '';
  now = 1_000_000;
  keys = 0;
});

describe('an order that is to be paid online', () => {
  it('says that the server takes cash alone, where it does', async () => {
    const problem = new ApiError(422, 'Online Payments Are Off', 'Use COD', { isEnvelope: true });
    answers = [problem];
    const placement = makePlacement();
    expect(placement.takesOnline).toBe(true);
    expect(await placement.send({ ...order, paymentMethod: 'ONLINE' })).toBeNull();
    expect(placement.getState()).toMatchObject({ status: 'refused', isOnlineOff: true });
    expect(placement.takesOnline).toBe(false);
    expect(await placement.send(order)).toBe(placed);
  });
});

describe('placing an order', () => {
  it('places it and forgets the key', async () => {
    const placement = makePlacement();
    expect(await placement.send(order)).toBe(placed);
    expect(placement.getState()).toEqual({ status: 'idle' });
    expect(writtenAtSend).toContain('key-1'); // The app may end while it waits.
    expect(storage.entries.size).toBe(0);
    await placement.send(order);
    expect(sent.map(({ key }) => key)).toEqual(['key-1', 'key-2']);
  });

  it('keeps its key over retries, so that it is ordered once', async () => {
    answers = [unreachable, new ApiError(503, 'Busy', 'Busy', { isEnvelope: true })];
    const placement = makePlacement();
    expect(await placement.send(order)).toBeNull();
    expect(placement.getState().status).toBe('unsure');
    expect(await placement.retry()).toBeNull();
    expect(await placement.retry()).toBe(placed);
    expect(sent).toEqual(Array(3).fill({ order, key: 'key-1' }));
  });

  it('keeps its key when the app ends before there is an answer', async () => {
    answers = [unreachable];
    await makePlacement().send(order);
    const next = makePlacement();
    await next.restore();
    expect(next.getState().status).toBe('unsure');
    expect(await next.retry()).toBe(placed);
    expect(sent[1]).toEqual({ order, key: 'key-1' });
    expect(storage.entries.size).toBe(0);
  });

  it('is not another user’s to try again', async () => {
    answers = [unreachable];
    await makePlacement().send(order);
    const other = makePlacement('user-2');
    await other.restore();
    expect(other.getState()).toEqual({ status: 'idle' });
  });

  it('does not ask again once the server may have forgotten the key', async () => {
    answers = [unreachable];
    await makePlacement().send(order);
    now += 24 * 3600_000;
    const next = makePlacement();
    await next.restore();
    expect(next.getState()).toEqual({ status: 'idle' });
    expect(storage.entries.size).toBe(0);
  });

  it('does not ask again in an app that stayed open for so long, and says so', async () => {
    answers = [unreachable];
    const placement = makePlacement();
    await placement.send(order);
    now += 24 * 3600_000;
    expect(await placement.retry()).toBeNull();
    expect(sent).toHaveLength(1);
    expect(placement.getState()).toMatchObject({ status: 'refused' });
    expect(storage.entries.size).toBe(0);
    expect(await placement.send(order)).toBe(placed);
    expect(sent.map(({ key }) => key)).toEqual(['key-1', 'key-2']);
  });

  it('asks again although the clock was set back a little', async () => {
    answers = [unreachable];
    const placement = makePlacement();
    await placement.send(order);
    now -= 2000;
    expect(await placement.retry()).toBe(placed);
    expect(sent[1]?.key).toBe('key-1');
  });

  it('of two tabs that send at the same time is one', async () => {
    let last: Promise<unknown> = Promise.resolve();
    const exclusively: Exclusively = (work) => {
      const mine = last.then(work);
      last = mine;
      return mine;
    };
    const [here, there] = [
      makePlacement('user-1', exclusively),
      makePlacement('user-1', exclusively),
    ];
    const both = await Promise.all([here.send(order), there.send(order)]);
    expect(both).toEqual([placed, null]);
    expect(there.getState()).toMatchObject({ status: 'unsure' });
    expect(await there.retry()).toBe(placed);
    expect(sent.map(({ key }) => key)).toEqual(['key-1', 'key-1']);
  });

  it('of another tab that nobody knows about is asked for again before anything else is sent', async () => {
    const other = makePlacement(); // Opened before, so it has found nothing.
    await other.restore();
    answers = [unreachable];
    await makePlacement().send(order);
    expect(await other.send(order)).toBeNull();
    expect(sent).toHaveLength(1);
    expect(other.getState()).toMatchObject({ status: 'unsure' });
    expect([...storage.entries.values()].join()).toContain('key-1');
    expect(await other.retry()).toBe(placed);
    expect(sent[1]).toEqual({ order, key: 'key-1' });
    expect(storage.entries.size).toBe(0);
    expect(await other.send(order)).toBe(placed);
    expect(sent[2]?.key).toBe('key-2');
  });

  it('of another user does not keep this one from ordering', async () => {
    answers = [unreachable];
    await makePlacement().send(order);
    expect(await makePlacement('user-2').send(order)).toBe(placed);
  });

  it.each([
    ['a retry', (placement: Placement) => placement.retry()],
    ['giving up', (placement: Placement) => placement.forget()],
  ])('of another tab stays written down over %s here', async (_name, act) => {
    answers = [unreachable];
    const first = makePlacement();
    await first.send(order);
    const second = makePlacement();
    await second.restore();
    await second.forget();
    answers = [unreachable];
    await second.send(order);
    await act(first);
    expect([...storage.entries.values()].join()).toContain('key-2');
  });

  it('takes a new key after a refusal: the basket will be another one', async () => {
    answers = [refused];
    const placement = makePlacement();
    await placement.send(order);
    expect(placement.getState()).toEqual({ status: 'refused', reason: 'Milk is sold out.' });
    await placement.send(order);
    expect(sent.map(({ key }) => key)).toEqual(['key-1', 'key-2']);
  });

  it('sends nothing else while one is open, and nothing twice at once', async () => {
    answers = [unreachable];
    const placement = makePlacement();
    const [, second] = await Promise.all([placement.send(order), placement.send(order)]);
    expect(second).toBeNull();
    expect(await placement.send(order)).toBeNull();
    expect(sent).toHaveLength(1);
    await placement.forget();
    expect(await placement.send(order)).toBe(placed);
  });

  it('works where nothing can be stored', async () => {
    storage.isBroken = true;
    answers = [unreachable];
    const placement = makePlacement();
    await placement.restore();
    await placement.send(order);
    expect(await placement.retry()).toBe(placed);
  });
});

describe('isRefusal', () => {
  it.each([
    [refused, true],
    [new ApiError(422, 'Key', 'Another body', { isEnvelope: true }), true],
    [new ApiError(404, 'Not Found', 'a proxy'), false],
    [new ApiError(409, 'Conflict', 'at work', { isEnvelope: true }), false],
    [new ApiError(429, 'Slow', 'slow', { isEnvelope: true }), false],
    [new ApiError(503, 'Busy', 'busy', { isEnvelope: true }), false],
    [unreachable, false],
    [new Error('anything'), false],
  ])('%s: %s', (problem, expected) => {
    expect(isRefusal(problem)).toBe(expected);
  });
});
