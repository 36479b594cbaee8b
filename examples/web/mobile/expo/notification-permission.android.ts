// SPDX-License-Identifier: MIT

import { PermissionsAndroid, Platform } from 'react-native';

/** Asks on Android 13 and later; before that, the permission comes with the installation. */
export async function askToNotify(): Promise<boolean> {
  if (Number(Platform.Version) < 33) return true;
  const answer = await PermissionsAndroid.request(
    PermissionsAndroid.PERMISSIONS.POST_NOTIFICATIONS,
  );
  return answer === PermissionsAndroid.RESULTS.GRANTED;
}
