// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// Every code that ordercast puts on the wire. Codes are stable: clients and tests compare them.
/// The sentences beside them may change.
namespace ordercast {

/// WebSocket close codes (RFC 6455 section 7.4.1; 4000-4999 are ours).
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,  ///< A binary frame.
  invalid_payload = 1007,   ///< Text that is not UTF-8.
  policy_violation = 1008,  ///< Too many refused messages.
  message_too_big = 1009,
  internal_error = 1011,
  service_restart = 1012,  ///< Draining; the reason carries `retry-after-ms=N`.
  unauthorized = 4001,
  too_many_connections = 4008,
  too_slow = 4009,  ///< The client does not read and its queue can't be conflated further.
};

/// Returns true if a client should reconnect with backoff after a close: true for all codes but
/// 4001, which needs a new token first.
[[nodiscard]] constexpr bool should_reconnect(CloseCode code) noexcept {
  return code != CloseCode::unauthorized;
}

/// Codes of the `error` message. The connection stays open.
enum class ErrorCode : std::uint8_t {
  bad_message,
  unknown_type,
  subscription_denied,
  too_many_subscriptions,
  rate_limited,
  unavailable,  ///< The server can't tell just now. Retryable, never a denial.
};

inline constexpr std::size_t error_code_count = 6;

/// Returns the wire name of an error code.
[[nodiscard]] constexpr std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::bad_message:
      return "bad_message";
    case ErrorCode::unknown_type:
      return "unknown_type";
    case ErrorCode::subscription_denied:
      return "subscription_denied";
    case ErrorCode::too_many_subscriptions:
      return "too_many_subscriptions";
    case ErrorCode::rate_limited:
      return "rate_limited";
    case ErrorCode::unavailable:
      return "unavailable";
  }
  return "bad_message";
}

/// A transport's result of `send`.
enum class SendResult : std::uint8_t {
  accepted,      ///< The transport has the frame and will write it in order.
  backpressure,  ///< Not accepted: the connection is above its high-water mark. `on_writable`
                 ///< follows.
  closed,  ///< Not accepted: the connection is closing or gone. `on_close` follows or has come.
};

}  // namespace ordercast
