// SPDX-License-Identifier: MIT
#pragma once

#include "store/push_store.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

/// Sends pushes. The worker knows nothing else about FCM.
namespace order_server {

/// How one attempt ended.
struct PushOutcome {
  enum class Kind : std::uint8_t {
    sent,
    no_device,    ///< The token is not registered or invalid.
    rejected,     ///< The service refuses this message, but may take others.
    throttled,    ///< Too many for this device, or in total; retry after `retry_after`.
    unavailable,  ///< The service, the network or our credentials fail; not the message.
  };
  Kind kind = Kind::sent;
  std::chrono::milliseconds retry_after{0};  ///< 0: the service named none.
  std::string error;                         ///< Contains no token and no secret.
  /// `throttled` or `unavailable` may concern this device only: several such devices count as an
  /// outage, one does not.
  bool may_be_the_device = false;
};

/// One thread, except for `wake`.
class PushSender {
 public:
  using Done = std::function<void(PushOutcome)>;

  PushSender() = default;
  PushSender(const PushSender&) = delete;
  PushSender& operator=(const PushSender&) = delete;
  virtual ~PushSender() = default;

  /// How many attempts may be in flight.
  [[nodiscard]] virtual std::size_t capacity() const noexcept = 0;

  /// Starts an attempt. Calls `done` once, within `start` or a later `poll`.
  virtual void start(const PushJob& job, Done done) = 0;

  /// Waits for the end of an attempt, for `wake` or for the timeout.
  virtual void poll(std::chrono::milliseconds timeout) = 0;

  /// Makes the current `poll`, or the next one, return. Any thread.
  virtual void wake() = 0;
};

}  // namespace order_server
