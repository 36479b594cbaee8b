// SPDX-License-Identifier: MIT

/** A page that lacks its parts so soon after a reload lacks them for another reason: it is not reloaded for ever. */
const pauseMs = 30_000;

/** Whether a page that can't load a part of itself may help itself by a reload: it may be from before an upgrade. */
export function mayReload({ navigation, ageMs }: { navigation: string; ageMs: number }): boolean {
  return navigation !== 'reload' || ageMs >= pauseMs;
}
