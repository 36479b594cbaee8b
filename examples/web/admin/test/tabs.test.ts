// SPDX-License-Identifier: MIT

import { beforeEach, describe, expect, it } from 'vitest';
import { FakeEnvironment, settle } from '../../client/test/fake-environment.ts';
import { RecoveryProbe } from '../src/desk/recovery-probe.ts';
import { RingingTab } from '../src/desk/ringing-tab.ts';

/** One lock of the Web Locks API, as far as it is used. */
class FakeLocks {
  #held: { fail: (reason: Error) => void } | null = null;
  readonly #waiting: (() => void)[] = [];

  request = ((name: string, ...rest: unknown[]): Promise<unknown> => {
    const hold = rest.at(-1) as () => Promise<unknown>;
    const { steal = false } = rest.length > 1 ? (rest[0] as LockOptions) : {};
    return new Promise((resolve, reject) => {
      const grant = (): void => {
        const mine = { fail: reject };
        this.#held = mine;
        void hold().then((value) => {
          resolve(value);
          if (this.#held !== mine) return;
          this.#held = null;
          this.#waiting.shift()?.();
        });
      };
      if (steal) this.#held?.fail(new Error(`${name} was stolen`));
      if (steal || this.#held === null) grant();
      else this.#waiting.push(grant);
    });
  }) as LockManager['request'];
}

describe('of several tabs', () => {
  const ringing = (...tabs: RingingTab[]): boolean[] => tabs.map(({ isMine }) => isMine);

  it('one rings: the one that was touched last, and another when it is closed', async () => {
    const locks = new FakeLocks();
    const [first, second, third] = [1, 2, 3].map(() => new RingingTab(locks)) as [
      RingingTab,
      RingingTab,
      RingingTab,
    ];
    await settle();
    expect(ringing(first, second, third)).toEqual([true, false, false]);
    third.claim();
    await settle();
    expect(ringing(first, second, third)).toEqual([false, false, true]);
    first.claim();
    await settle();
    third.claim();
    await settle();
    expect(ringing(first, second, third)).toEqual([false, false, true]);
    third.close();
    await settle();
    expect(ringing(first, second, third).filter(Boolean)).toHaveLength(1);
    first.close();
    second.close();
    third.claim();
    await settle();
    expect(ringing(first, second, third)).toEqual([false, false, false]);
  });

  it('each rings where the browser has no locks', () => {
    expect(ringing(new RingingTab(undefined), new RingingTab(undefined))).toEqual([true, true]);
  });
});

describe('a desk that has lost its server', () => {
  let environment: FakeEnvironment;
  let isUp: boolean;
  let isWaiting: boolean;
  let asked: number;
  let tries: number;
  let probe: RecoveryProbe;

  beforeEach(() => {
    environment = new FakeEnvironment();
    isUp = false;
    isWaiting = true;
    asked = 0;
    tries = 0;
    probe = new RecoveryProbe({
      timers: environment.timers,
      random: () => 0.5,
      isWaiting: () => isWaiting,
      answers: async () => {
        asked += 1;
        return isUp;
      },
      reconnect: () => {
        tries += 1;
      },
    });
  });

  it('finds out within a few seconds that it is back', async () => {
    probe.look();
    await environment.pass(60_000);
    expect(tries).toBe(0);
    isUp = true;
    await environment.pass(3000);
    expect(tries).toBe(1);
    isWaiting = false;
    await environment.pass(60_000);
    const after = asked;
    await environment.pass(60_000);
    expect([asked, environment.pendingTimers]).toEqual([after, 0]);
  });

  it('does not try again and again where the server answers and its sockets don’t', async () => {
    isUp = true;
    probe.look();
    await environment.pass(60_000);
    expect(tries).toBe(1);
    isUp = false;
    await environment.pass(3000);
    isUp = true;
    await environment.pass(3000);
    expect(tries).toBe(2);
    probe.stop();
    expect(environment.pendingTimers).toBe(0);
  });
});
