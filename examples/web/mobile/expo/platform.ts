// SPDX-License-Identifier: MIT

import { nativeEnvironment } from '@ordercast/client/native';
import Constants from 'expo-constants';
import * as Notifications from 'expo-notifications';
import * as SecureStore from 'expo-secure-store';
import { AppState, Platform as Device } from 'react-native';
import type { Platform } from '../src/platform.ts';

/** An installed app: tokens in the keychain, sockets that wake when the app becomes active, pushes by FCM. */
export const platform: Platform = {
  origin: Constants.expoConfig?.extra?.origin,
  storage: {
    get: (key) => SecureStore.getItemAsync(key),
    set: (key, value) => SecureStore.setItemAsync(key, value),
    remove: (key) => SecureStore.deleteItemAsync(key),
  },
  environment: nativeEnvironment(AppState),
  async registerForPush() {
    const { status } = await Notifications.requestPermissionsAsync();
    if (status !== 'granted') return null;
    const { data } = await Notifications.getDevicePushTokenAsync();
    return { token: String(data), platform: Device.OS === 'ios' ? 'ios' : 'android' };
  },
};
