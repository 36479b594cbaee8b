// SPDX-License-Identifier: MIT

import { ApiError } from './api.ts';
import { OrderProblem } from './order-client.ts';

/** A sentence for people. */
export function problemText(problem: unknown): string {
  if (problem instanceof OrderProblem) return 'There is no such order, or it is not yours to see.';
  if (problem instanceof ApiError) return problem.message.replace(/\.?$/, '.');
  return 'Something went wrong.';
}

/** Whether somebody else was faster: what we wanted is no longer possible. */
export function isConflict(problem: unknown): boolean {
  return (
    problem instanceof ApiError &&
    (problem.status === 409 ||
      problem.title === 'Invalid Transition' ||
      problem.title === 'Cannot Cancel')
  );
}
