// SPDX-License-Identifier: MIT

import { ApiError } from './api';
import { OrderProblem } from './order-client/order-problem';

/** A sentence for people. */
export function problemText(problem: unknown): string {
  if (problem instanceof OrderProblem) return orderProblemText(problem);
  if (problem instanceof ApiError) return problem.message.replace(/\.?$/, '.');
  return 'Something went wrong.';
}

function orderProblemText({ code }: OrderProblem): string {
  switch (code) {
    case 'unavailable':
      return 'The server can’t tell just now. We ask again.';
    case 'rate_limited':
      return 'The server is busy. We ask again.';
    case 'too_many_subscriptions':
      return 'Too many orders are open at once. Close some and try again.';
    default:
      return 'There is no such order, or it is not yours to see.';
  }
}

/** Whether another user was faster: the change that was asked for is no longer possible. */
export function isConflict(problem: unknown): boolean {
  return (
    problem instanceof ApiError &&
    (problem.status === 409 ||
      problem.title === 'Invalid Transition' ||
      problem.title === 'Cannot Cancel')
  );
}
