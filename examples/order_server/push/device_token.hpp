// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

/// Checks a device's token before FCM is asked. Pure; any thread.
namespace order_server {

/// Returns why FCM can't know this token, as the end of a sentence about it; "" if FCM may know it.
/// Otherwise an app with such a token would never get a push, and never learn why.
[[nodiscard]] inline std::string_view fault_of_device_token(std::string_view token,
                                                            std::string_view platform) noexcept {
  constexpr std::size_t least_apns_bytes = 32;
  const auto begins = [token](std::string_view prefix) {
    return token.substr(0, prefix.size()) == prefix;
  };
  const auto is_visible = [](char c) { return c > ' ' && c < '\x7F'; };
  const auto is_hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  if (!std::all_of(token.begin(), token.end(), is_visible)) {
    return "must consist of visible ASCII characters, as FCM's registration tokens do";
  }
  if (begins("ExponentPushToken[") || begins("ExpoPushToken[")) {
    return "is an Expo token, which FCM does not know; use FCM's registration token "
           "(getDevicePushTokenAsync on Android, @react-native-firebase/messaging on iOS)";
  }
  // Older code prints it in angle brackets.
  const auto bare = token.size() > 2 && token.front() == '<' && token.back() == '>'
                        ? token.substr(1, token.size() - 2)
                        : token;
  if (platform == "ios" && bare.size() >= 2 * least_apns_bytes &&
      std::all_of(bare.begin(), bare.end(), is_hex)) {
    return "is an APNs token, which FCM does not know; use FCM's registration token "
           "(Messaging.messaging().token)";
  }
  return "";
}

}  // namespace order_server
