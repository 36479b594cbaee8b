// SPDX-License-Identifier: MIT

/** The server's `error` message about an order, such as `subscription_denied` or `unavailable`. */
export class OrderProblem extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'OrderProblem';
    this.code = code;
  }

  /** Whether the client asks again by itself. Otherwise `refresh` asks again. */
  get isTemporary(): boolean {
    return this.code === 'unavailable' || this.code === 'rate_limited';
  }
}
