// SPDX-License-Identifier: MIT

import type { Environment, TimerId } from '../environment';
import { type Input, Machine, type MachineOptions, type Output } from '../machine';
import { type Report, runReporting } from '../report';
import type { ConnectionState } from '../types';

export interface MachineRunnerOptions {
  readonly environment: Environment;
  readonly machine: Partial<MachineOptions> | undefined;
  readonly perform: (output: Output) => void;
  readonly report: Report;
}

/** Runs the machine: feeds it one input at a time, performs its outputs in order, and sets its timer. */
export class MachineRunner {
  readonly #options: MachineRunnerOptions;
  readonly #machine: Machine;
  readonly #inputs: Input[] = [];
  readonly #listeners = new Set<() => void>();
  #state: ConnectionState = { status: 'idle' };
  #timer: TimerId | null = null;

  constructor(options: MachineRunnerOptions) {
    this.#options = options;
    this.#machine = new Machine(() => options.environment.random(), options.machine);
  }

  /** Whether the machine waits for a new login; ahead of `getState` while an input is performed. */
  get isRefused(): boolean {
    return this.#machine.state === 'refused';
  }

  getState(): ConnectionState {
    return this.#state;
  }

  /** Calls back after each change of `getState()`. */
  onStateChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Inputs that arrive while another one is performed wait for their turn. */
  feed(input: Input): void {
    this.#inputs.push(input);
    if (this.#inputs.length > 1) return;
    for (let next = this.#inputs[0]; next !== undefined; next = this.#inputs[0]) {
      const current = next;
      // An error must not keep the rest from happening: a machine that stands still would look live.
      this.#run(() => this.#performAll(current));
      this.#run(() => this.#setTimer());
      this.#run(() => this.#publishState());
      this.#inputs.shift();
    }
  }

  #performAll(input: Input): void {
    for (const output of this.#machine.on(input, this.#options.environment.now())) {
      this.#run(() => this.#options.perform(output));
    }
  }

  #setTimer(): void {
    const { environment } = this.#options;
    const { timers } = environment;
    if (this.#timer !== null) timers.clear(this.#timer);
    this.#timer = null;
    const at = this.#machine.timer;
    if (at === null) return;
    const onTimer = (): void => {
      this.#timer = null;
      this.feed({ type: 'timer' });
    };
    this.#timer = timers.set(onTimer, Math.max(0, at - environment.now()));
  }

  #publishState(): void {
    const state = this.#describe();
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) this.#run(listener);
  }

  #describe(): ConnectionState {
    const attempt = this.#machine.failures;
    switch (this.#machine.state) {
      case 'idle':
        return { status: 'idle' };
      case 'connecting':
        return { status: 'connecting', attempt };
      case 'open':
        return { status: 'live' };
      case 'waiting':
        return { status: 'waiting', attempt, retryAt: this.#machine.retryAt };
      case 'refused':
        return { status: 'refused' };
    }
  }

  #run(action: () => void): void {
    runReporting(this.#options.report, action);
  }
}
