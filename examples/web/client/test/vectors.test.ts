// SPDX-License-Identifier: MIT

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Backoff, retryAfterOf } from '../src/backoff.ts';
import { decode, encode } from '../src/codec.ts';
import { type Input, Machine, type MachineOptions, type Output } from '../src/machine.ts';
import type { ClientMessage } from '../src/types.ts';

/** The same files are run by the C++ client's tests. */
function vectors<T>(name: string): T {
  const url = new URL(`../../../../tests/vectors/${name}`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as T;
}

type Options = Readonly<Record<string, number>>;

/** `base_ms` to `baseMs`. */
function camelCased<T>(options: Options): T {
  const entries = Object.entries(options).map(([name, value]) => [
    name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return Object.fromEntries(entries) as T;
}

/** `{type: 'a', ...rest}` to the files' `{a: rest}`, a state to `{state, retryAt}`. */
function written(output: Output): unknown {
  const { type, ...rest } = output;
  return type === 'state' ? rest : { [type]: rest };
}

interface CodecVectors {
  encode: { name: string; message: ClientMessage; text: string }[];
  decode: { name: string; text: string; is: unknown }[];
}

describe('codec.json', () => {
  const file = vectors<CodecVectors>('codec.json');
  it.each(file.encode)('encodes $name', ({ message, text }) => {
    expect(JSON.parse(encode(message))).toEqual(JSON.parse(text));
  });
  it.each(file.decode)('decodes $name', ({ text, is }) => {
    expect(decode(text)).toEqual(is);
  });
});

interface BackoffVectors {
  defaults: Options;
  delays: {
    name: string;
    options: Options;
    steps: {
      reset?: boolean;
      draw?: number;
      slow?: boolean;
      retry_after?: number;
      delay?: number;
    }[];
  }[];
  retry_after: { code: number; reason: string; retry_after: number | null }[];
}

describe('backoff.json', () => {
  const file = vectors<BackoffVectors>('backoff.json');
  it.each(file.delays)('$name', ({ options, steps }) => {
    const backoff = new Backoff(camelCased({ ...file.defaults, ...options }));
    for (const step of steps) {
      if (step.reset) {
        backoff.reset();
        continue;
      }
      const { draw = 0, slow = false, retry_after: retryAfterMs = null } = step;
      expect(backoff.next({ draw, slow, retryAfterMs })).toBe(step.delay);
    }
  });
  it.each(file.retry_after)(
    '$code "$reason" asks for $retry_after',
    ({ code, reason, retry_after }) => {
      const most = file.defaults.max_retry_after_ms as number;
      expect(retryAfterOf(code, reason, most)).toBe(retry_after);
    },
  );
});

interface Trace {
  name: string;
  options: Options;
  draws: number[];
  steps: {
    at: number;
    in: Record<string, object>;
    out: unknown[];
    state: string;
    timer: number | null;
  }[];
}

describe('state_machine.json', () => {
  const file = vectors<{ defaults: Options; traces: Trace[] }>('state_machine.json');
  it.each(file.traces)('$name', ({ options, draws, steps }) => {
    const left = [...draws];
    const draw = (): number => {
      const next = left.shift();
      if (next === undefined) throw new Error('more draws than the trace lists');
      return next;
    };
    const machine = new Machine(draw, camelCased<MachineOptions>({ ...file.defaults, ...options }));
    steps.forEach((step, index) => {
      const [[type, fields] = []] = Object.entries(step.in);
      const out = machine.on({ type, ...fields } as Input, step.at).map(written);
      const { state, timer } = machine;
      expect({ index, out, state, timer }).toEqual({
        index,
        out: step.out,
        state: step.state,
        timer: step.timer,
      });
    });
    expect(left).toEqual([]);
  });
});
