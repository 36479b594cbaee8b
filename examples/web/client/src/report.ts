// SPDX-License-Identifier: MIT

/** Takes a problem that stops nothing. Never throws. */
export type Report = (problem: unknown) => void;

/** Wraps an application's callback, which may throw. */
export function reportTo(callback: (problem: unknown) => void): Report {
  return (problem) => {
    try {
      callback(problem);
    } catch {
      // Reporting a problem must not cause another one.
    }
  };
}

/** Runs `action` and reports what it throws. */
export function runReporting(report: Report, action: () => void): void {
  try {
    action();
  } catch (problem) {
    report(problem);
  }
}
