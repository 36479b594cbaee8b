// SPDX-License-Identifier: MIT
// One program of the cluster as a child process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const startDeadlineMs = 60_000;

export class Part {
  /**
   * `command` is the program with its arguments, `isReady` resolves to true once it serves, `stopSignal` ends it in
   * an orderly way, and `killSignal` as a crash would. `isWhole` is `isReady` where that is not enough for the first
   * start. `user` runs it as another user.
   */
  constructor({ name, port, monitor, command, environment = {}, isReady, isWhole = isReady, stopSignal = 'SIGTERM',
    killSignal = 'SIGKILL', user, log, stopDeadlineMs = 15_000 }) {
    Object.assign(this, { name, port, monitor, command, environment, isReady, isWhole, stopSignal, killSignal, user, log,
      stopDeadlineMs });
    this.child = null;
    this.onEnd = () => {};
  }

  get pid() {
    return this.child?.pid ?? null;
  }

  /** Starts the program and waits until it serves. */
  async start(isUp = this.isReady) {
    if (this.child) throw new Error(`${this.name} runs already`);
    this.launch();
    await this.serves(isUp);
  }

  launch() {
    const log = openSync(this.log, 'a');
    // A session of its own, so that Ctrl-C in the terminal reaches only the script, which ends its parts one after
    // the other. If the script itself is killed, the kernel ends them.
    const asOther = this.user
      ? ['--reuid', this.user, '--regid', this.user, '--clear-groups'] : [];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...asOther, ...this.command], {
      cwd: '/', detached: true, stdio: ['ignore', log, log], env: { ...process.env, ...this.environment },
    });
    closeSync(log);
    this.child = child;
    this.ended = once(child, 'exit').then(([code, signal]) => {
      this.child = null;
      this.onEnd(signal ?? `code ${code}`);
    }, (error) => {
      this.child = null;
      this.onEnd(error.message);
    });
  }

  async serves(isUp) {
    for (const end = Date.now() + startDeadlineMs; Date.now() < end; await pause(50)) {
      if (!this.child) throw new Error(`${this.name} ended while it started:\n${this.lastLines()}`);
      if (await isUp().catch(() => false)) return;
    }
    throw new Error(`${this.name} does not serve after ${startDeadlineMs / 1000} s:\n${this.lastLines()}`);
  }

  /** Ends the program as a crash would. */
  async kill() {
    if (!this.child) throw new Error(`${this.name} does not run`);
    this.child.kill(this.killSignal);
    await this.ended;
  }

  /** Ends the program in an orderly way, or by force if that takes too long. */
  async stop() {
    if (!this.child) return;
    this.child.kill(this.stopSignal);
    const force = setTimeout(() => this.child?.kill('SIGKILL'), this.stopDeadlineMs);
    await this.ended;
    clearTimeout(force);
  }

  lastLines() {
    return existsSync(this.log) ? readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-15).join('\n') : '';
  }
}
