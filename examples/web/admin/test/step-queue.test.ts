// SPDX-License-Identifier: MIT

import { ApiError, type Order } from '@ordercast/client';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeEnvironment, makeOrder, settle } from '../../client/test/fake-environment.ts';
import { KeptSteps } from '../src/desk/kept-steps.ts';
import { type Step, StepQueue } from '../src/desk/step-queue.ts';
import { refusalText } from '../src/desk/step-texts.ts';

let environment: FakeEnvironment;
let sent: Step[];
let prepared: number;
let answers: Order[];
let outdated: string[];
let undoMs: number;
let respond: (step: Step) => Promise<Order>;
let steps: StepQueue;
let stored: Map<string, string>;
let kept: KeptSteps;

const makeQueue = (): StepQueue =>
  new StepQueue({
    timers: environment.timers,
    now: () => environment.now(),
    undoMs: () => undoMs,
    prepare: () => {
      prepared += 1;
    },
    send: (step) => {
      sent.push(step);
      return respond(step);
    },
    kept,
    onOrder: (order) => answers.push(order),
    onOutdated: (orderId) => outdated.push(orderId),
  });

beforeEach(() => {
  stored = new Map();
  kept = new KeptSteps(
    {
      get: (key) => stored.get(key) ?? null,
      set: (key, value) => void stored.set(key, value),
      remove: (key) => void stored.delete(key),
    },
    'kept',
    () => environment.now(),
  );
  environment = new FakeEnvironment();
  sent = [];
  prepared = 0;
  answers = [];
  outdated = [];
  undoMs = 5000;
  respond = async ({ order, status }) => makeOrder(order.id, order.version + 1, { status });
  steps = makeQueue();
});

const step = (id = 'o-1', version = 3): Step => ({
  order: makeOrder(id, version),
  status: 'CONFIRMED',
});

describe('a step', () => {
  it('is sent after five seconds, from the version that was shown', async () => {
    steps.take(step());
    await environment.pass(4999);
    expect(sent).toEqual([]);
    await environment.pass(1);
    expect(sent.map(({ order }) => order.version)).toEqual([3]);
    expect(answers.map(({ version }) => version)).toEqual([4]);
    expect(steps.get('o-1')).toBeUndefined();
  });

  it('is never sent if it is undone before', async () => {
    steps.take(step());
    await environment.pass(4000);
    expect(steps.undo('o-1')).toBe(true);
    await environment.pass(60_000);
    expect(sent).toEqual([]);
    expect(environment.pendingTimers).toBe(0);
  });

  it('can be undone no more when it is on its way', async () => {
    respond = () => new Promise(() => undefined);
    steps.take(step());
    await environment.pass(5000);
    expect(steps.undo('o-1')).toBe(false);
  });

  it('is one at a time for each order', async () => {
    expect(steps.take(step())).toBe(true);
    expect(steps.take(step())).toBe(false);
    expect(steps.take(step('o-2'))).toBe(true);
    await environment.pass(5000);
    expect(sent).toHaveLength(2);
  });

  it('is sent at once where nothing can be undone', async () => {
    undoMs = 0;
    steps.take(step());
    expect(sent).toHaveLength(1);
    await settle();
  });

  it('makes ready what sending it needs when it is taken', () => {
    steps.take(step());
    expect([prepared, sent.length]).toEqual([1, 0]);
    expect(steps.take(step())).toBe(false);
    expect(prepared).toBe(1);
  });

  it('is sent at once, and once, when the page is left', async () => {
    steps.take(step('o-1'));
    steps.take(step('o-2'));
    steps.flush();
    expect(sent).toHaveLength(2);
    await environment.pass(10_000);
    expect(sent).toHaveLength(2);
  });
});

describe('a step whose page has ended', () => {
  /** Leaves the page before there is an answer, and opens it again. */
  const leaveAndReturn = (): void => {
    const answerOfNext = respond;
    respond = () => new Promise(() => undefined);
    steps.take({ ...step(), note: 'Soon' });
    steps.flush();
    steps.close();
    sent = [];
    respond = answerOfNext;
    steps = makeQueue();
    steps.resume();
  };

  it('is sent again by the next one, from the same version, until there is an answer', async () => {
    leaveAndReturn();
    expect(sent).toMatchObject([{ order: { id: 'o-1', version: 3 }, status: 'CONFIRMED' }]);
    expect(sent[0]?.note).toBe('Soon');
    expect(kept.read()).toHaveLength(1);
    await settle();
    expect([kept.read(), stored.size, steps.lost]).toEqual([[], 0, []]);
  });

  it('is told of where it can’t be sent, and stays for the page after', async () => {
    respond = () => Promise.reject(new ApiError(0, 'Unreachable', 'The server can’t be reached'));
    leaveAndReturn();
    await settle();
    expect(steps.lost.map(({ phase }) => phase)).toEqual(['failed']);
    expect(kept.read()).toHaveLength(1);
    steps.dismiss('o-1');
    expect(kept.read()).toEqual([]);
  });

  it('counts as made if the order has had its status since, also where another user went on', async () => {
    const log = { id: 'l', note: null, createdAt: '2026-01-01T12:00:00Z' };
    const now = makeOrder('o-1', 5, {
      status: 'PREPARING',
      statusLogs: [
        { ...log, status: 'CONFIRMED' },
        { ...log, status: 'PREPARING' },
      ],
    });
    respond = () => Promise.reject(new ApiError(409, 'Conflict', 'Changed', { data: now }));
    leaveAndReturn();
    await settle();
    expect([steps.lost, kept.read(), answers]).toEqual([[], [], [now]]);
  });

  it('is refused, and told of, if another user was faster', async () => {
    const now = makeOrder('o-1', 4, { status: 'CANCELLED' });
    respond = () => Promise.reject(new ApiError(409, 'Conflict', 'Changed', { data: now }));
    leaveAndReturn();
    await settle();
    expect(steps.lost.map(({ phase }) => phase)).toEqual(['refused']);
    expect(kept.read()).toEqual([]);
  });

  it('is sent by the next one if it still waited when the page was killed', async () => {
    steps.take(step());
    steps.close(); // Without a word, as a crash does.
    steps = makeQueue();
    steps.resume();
    await environment.pass(6999);
    expect(sent).toEqual([]);
    await environment.pass(1);
    expect(sent).toMatchObject([{ order: { id: 'o-1', version: 3 }, status: 'CONFIRMED' }]);
    expect(kept.read()).toEqual([]);
  });

  it('is not sent by another tab that opens while it waits, whether it is undone or not', async () => {
    steps.take(step('o-1'));
    steps.take(step('o-2'));
    const other = makeQueue();
    other.resume();
    await environment.pass(1000);
    steps.undo('o-1');
    await environment.pass(20_000);
    expect(sent.map(({ order }) => order.id)).toEqual(['o-2']);
    other.close();
    expect(environment.pendingTimers).toBe(0);
  });

  it('waits no longer than a minute, however wrong the clock was', () => {
    steps.take(step());
    const entry = JSON.parse(stored.get('kept') ?? '');
    entry['o-1'].dueAt += 9_000_000;
    stored.set('kept', JSON.stringify(entry));
    expect(kept.read()[0]?.waitMs).toBe(60_000);
  });

  it('is nothing if what is stored can’t be read', () => {
    for (const text of ['', 'x', '[]', '{"o-1":1}', '{"o-1":{"order":{},"status":"READY"}}']) {
      stored.set('kept', text);
      expect(kept.read()).toEqual([]);
    }
  });

  it('is written down without anything of the customer', () => {
    respond = () => new Promise(() => undefined);
    const order = makeOrder('o-1', 3, { deliveryAddress: '1 Quiet Street', note: 'Ring' });
    steps.take({ order, status: 'CONFIRMED' });
    steps.flush();
    expect(stored.get('kept')).not.toMatch(/Quiet|Ring|userId/);
  });
});

describe('finishing', () => {
  it('sends what waits in another tab, too', async () => {
    const other = makeQueue();
    other.take(step('o-7'));
    await steps.finish(5000);
    expect(sent.map(({ order }) => order.id)).toEqual(['o-7']);
    expect(kept.read()).toEqual([]);
    other.close();
  });

  it('sends what waits and waits for the answers', async () => {
    let answer: (order: Order) => void = () => undefined;
    respond = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    let isOver = false;
    steps.take(step());
    void steps.finish(5000).then(() => {
      isOver = true;
    });
    await environment.pass(4999);
    expect([sent.length, isOver]).toEqual([1, false]);
    answer(makeOrder('o-1', 4, { status: 'CONFIRMED' }));
    await settle();
    expect([isOver, environment.pendingTimers]).toEqual([true, 0]);
  });

  it('waits no longer than it may', async () => {
    respond = () => new Promise(() => undefined);
    steps.take(step());
    let isOver = false;
    void steps.finish(5000).then(() => {
      isOver = true;
    });
    await environment.pass(5000);
    expect(isOver).toBe(true);
  });

  it('is over at once where nothing waits', async () => {
    await steps.finish(5000);
    expect(environment.pendingTimers).toBe(0);
  });
});

describe('a step whose answer is lost', () => {
  const made = makeOrder('o-1', 4, { status: 'CONFIRMED' });
  let fail: (problem: unknown) => void;
  beforeEach(async () => {
    respond = () =>
      new Promise((_, reject) => {
        fail = reject;
      });
    steps.take(step());
    await environment.pass(5000);
  });

  it('is done if the order was seen to have it', async () => {
    steps.onOrder(made);
    steps.onOrder(makeOrder('o-1', 5, { status: 'CANCELLED' }));
    fail(new ApiError(0, 'Unreachable', 'The server can’t be reached'));
    await settle();
    expect(steps.get('o-1')).toBeUndefined();
  });

  it('is done if the refusal of its second sending says so', async () => {
    fail(new ApiError(0, 'Unreachable', 'The server can’t be reached'));
    await settle();
    expect(steps.get('o-1')?.phase).toBe('failed');
    steps.retry('o-1');
    fail(new ApiError(409, 'Conflict', 'Another change', { data: made }));
    await settle();
    expect([steps.get('o-1'), answers]).toEqual([undefined, [made]]);
  });

  it('is done if the order then turns out to have it', async () => {
    fail(new ApiError(400, 'Invalid Transition', 'Cannot'));
    await settle();
    expect(steps.get('o-1')?.phase).toBe('refused');
    steps.onOrder(made);
    expect(steps.get('o-1')).toBeUndefined();
  });

  it('is not done by what was seen of another sending', async () => {
    steps.onOrder(makeOrder('o-1', 4, { paymentStatus: 'PAID' }));
    fail(new ApiError(0, 'Unreachable', 'The server can’t be reached'));
    await settle();
    expect(steps.get('o-1')?.phase).toBe('failed');
  });
});

describe('undoing', () => {
  it('takes back the newest first', () => {
    steps.take(step('o-1'));
    steps.take(step('o-2'));
    expect(steps.undoLatest()?.order.id).toBe('o-2');
    expect(steps.undoLatest()?.order.id).toBe('o-1');
    expect(steps.undoLatest()).toBeUndefined();
  });
});

describe('another user who was faster', () => {
  const cancelled = makeOrder('o-1', 4, {
    status: 'CANCELLED',
    statusLogs: [
      {
        id: 'l',
        status: 'CANCELLED',
        note: 'Out of stock',
        createdAt: '2026-01-01T12:00:00Z',
        actorRole: 'STORE_MANAGER',
      },
    ],
  });

  it('is told of by the 409, with the order as it is', async () => {
    respond = () =>
      Promise.reject(new ApiError(409, 'Conflict', 'Another change', { data: cancelled }));
    steps.take(step());
    await environment.pass(5000);
    expect(steps.get('o-1')).toMatchObject({ phase: 'refused', now: { status: 'CANCELLED' } });
    expect(answers).toEqual([cancelled]);
    expect(refusalText(step(), cancelled)).toMatch(
      /^A store manager set it to Cancelled at .*: “Out of stock”\. Your “Confirm” was not made\.$/,
    );
  });

  it('stops a step that waits, and the note stays when more changes come', async () => {
    steps.take(step());
    steps.onOrder(cancelled);
    steps.onOrder(makeOrder('o-1', 5, { status: 'CANCELLED', paymentStatus: 'REFUNDED' }));
    await environment.pass(10_000);
    expect(sent).toEqual([]);
    expect(steps.get('o-1')).toMatchObject({ phase: 'refused', now: cancelled });
    steps.dismiss('o-1');
    expect(steps.get('o-1')).toBeUndefined();
  });

  it('does not stop a step by paying: it goes on from the new version, when it was due', async () => {
    steps.take(step());
    await environment.pass(3000);
    steps.onOrder(makeOrder('o-1', 4, { paymentStatus: 'PAID' }));
    await environment.pass(2000);
    expect(sent.map(({ order }) => order.version)).toEqual([4]);
  });

  it('makes the page ask where the refusal does not tell', async () => {
    respond = () => Promise.reject(new ApiError(400, 'Invalid Transition', 'Cannot'));
    steps.take(step());
    await environment.pass(5000);
    expect(outdated).toEqual(['o-1']);
  });
});

describe('a step that failed', () => {
  beforeEach(async () => {
    respond = () => Promise.reject(new ApiError(0, 'Unreachable', 'The server can’t be reached'));
    steps.take(step());
    await environment.pass(5000);
  });

  it('is listed until it is over, as the same list', () => {
    expect(steps.lost.map(({ step: { order } }) => order.id)).toEqual(['o-1']);
    expect(steps.lost).toBe(steps.lost);
    steps.dismiss('o-1');
    expect(steps.lost).toEqual([]);
  });

  it('can be sent again', async () => {
    expect(steps.get('o-1')?.phase).toBe('failed');
    respond = async () => makeOrder('o-1', 4, { status: 'CONFIRMED' });
    steps.retry('o-1');
    await settle();
    expect(steps.get('o-1')).toBeUndefined();
  });

  it('is not forgotten when the order is paid, and is then sent from the new version', () => {
    steps.onOrder(makeOrder('o-1', 4, { paymentStatus: 'PAID' }));
    expect(steps.get('o-1')?.phase).toBe('failed');
    steps.retry('o-1');
    expect(sent.at(-1)?.order.version).toBe(4);
  });

  it('is forgotten when the order has changed', () => {
    steps.onOrder(makeOrder('o-1', 3));
    expect(steps.get('o-1')?.phase).toBe('failed');
    steps.onOrder(makeOrder('o-1', 4, { status: 'CONFIRMED' }));
    expect(steps.get('o-1')).toBeUndefined();
  });
});
