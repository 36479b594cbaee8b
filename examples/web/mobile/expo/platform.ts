// SPDX-License-Identifier: MIT

import { nativeEnvironment } from '@ordercast/client/native';
import AsyncStorage from '@react-native-async-storage/async-storage';
import {
  getInitialNotification,
  getMessaging,
  getToken,
  onNotificationOpenedApp,
  onTokenRefresh,
} from '@react-native-firebase/messaging';
import Constants from 'expo-constants';
import * as Crypto from 'expo-crypto';
import * as SecureStore from 'expo-secure-store';
import { AppState, BackHandler, Platform as Device } from 'react-native';
import { StackNavigation } from '../src/logic/navigation.ts';
import type { Platform, Push, PushDevice } from '../src/platform.ts';
// Without an extension: each system has its own file.
import { askToNotify } from './notification-permission';

const device = (token: string): PushDevice => ({
  token,
  platform: Device.OS === 'ios' ? 'ios' : 'android',
});

/** FCM on both systems: on iOS, too, the token is FCM's and not APNs', which the server could not use. */
const push: Push = {
  async register() {
    return (await askToNotify()) ? device(await getToken(getMessaging())) : null;
  },
  onTokenChange: (listener) => onTokenRefresh(getMessaging(), (token) => listener(device(token))),
  onOpened(listener) {
    void getInitialNotification(getMessaging()).then((message) => {
      if (message !== null) listener(message.data);
    });
    return onNotificationOpenedApp(getMessaging(), (message) => listener(message.data));
  },
};

/** An installed app: tokens in the keychain, sockets that wake when the app becomes active, pushes by FCM. */
export const platform: Platform = {
  origin: Constants.expoConfig?.extra?.origin,
  storage: {
    get: (key) => SecureStore.getItemAsync(key),
    set: (key, value) => SecureStore.setItemAsync(key, value),
    remove: (key) => SecureStore.deleteItemAsync(key),
  },
  notes: {
    get: (key) => AsyncStorage.getItem(key),
    set: (key, value) => AsyncStorage.setItem(key, value),
    remove: (key) => AsyncStorage.removeItem(key),
  },
  environment: nativeEnvironment(AppState),
  navigation: new StackNavigation(),
  push,
  newKey: () => Crypto.randomUUID(),
  onBackPressed(listener) {
    const subscription = BackHandler.addEventListener('hardwareBackPress', listener);
    return () => subscription.remove();
  },
};
