// SPDX-License-Identifier: MIT

import { Observable } from './observable.ts';

/** Two rising notes, audible over a kitchen. */
const notes = [
  { hertz: 880, at: 0 },
  { hertz: 1174.7, at: 0.18 },
  { hertz: 1568, at: 0.36 },
] as const;
const noteSeconds = 0.5;

/** Rings by WebAudio. A browser may refuse sound until the user has touched the page: `isBlocked` says so. */
export class Chime extends Observable {
  #context: AudioContext | null = null;
  #isBlocked = false;

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Call on a touch or a key: from then on the browser lets it ring. */
  unlock = (): void => {
    const context = this.#open();
    if (context?.state === 'suspended') void context.resume().then(this.#look, this.#look);
    else this.#look();
  };

  ring = (): void => {
    const context = this.#open();
    if (context === null) return;
    if (context.state === 'suspended') void context.resume().catch(() => undefined);
    this.#look();
    if (context.state !== 'running') return;
    for (const { hertz, at } of notes) this.#play(context, hertz, context.currentTime + at);
  };

  #open(): AudioContext | null {
    if (this.#context !== null) return this.#context;
    try {
      this.#context = new AudioContext();
      this.#context.onstatechange = this.#look;
    } catch {
      this.#setBlocked(true); // No sound on this machine.
    }
    return this.#context;
  }

  #play(context: AudioContext, hertz: number, at: number): void {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.type = 'triangle';
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.5, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + noteSeconds);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + noteSeconds);
  }

  #look = (): void => this.#setBlocked(this.#context?.state !== 'running');

  #setBlocked(isBlocked: boolean): void {
    if (isBlocked === this.#isBlocked) return;
    this.#isBlocked = isBlocked;
    this.tell();
  }
}
