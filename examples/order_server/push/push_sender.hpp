// SPDX-License-Identifier: MIT
#pragma once

#include "store/push_store.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

/// What takes pushes away. The worker knows no more of FCM than this.
namespace order_server {

/// How one attempt ended.
struct PushOutcome {
  enum class Kind : std::uint8_t {
    sent,
    no_device,    ///< The token is not registered, or is none.
    rejected,     ///< This message can't be taken; another one could.
    throttled,    ///< Too many, for this device or for all; `retry_after` says when.
    unavailable,  ///< The service, the way to it, or our credentials: no fault of the message.
  };
  Kind kind = Kind::sent;
  std::chrono::milliseconds retry_after{0};  ///< 0: the service named no time.
  std::string error;                         ///< Holds no token and no secret.
  /// `throttled` or `unavailable`, but perhaps for this device alone: only several devices make an
  /// outage of it.
  bool may_be_the_device = false;
};

/// One thread, but for `wake`.
class PushSender {
 public:
  using Done = std::function<void(PushOutcome)>;

  PushSender() = default;
  PushSender(const PushSender&) = delete;
  PushSender& operator=(const PushSender&) = delete;
  virtual ~PushSender() = default;

  /// How many may be on their way at once.
  [[nodiscard]] virtual std::size_t capacity() const noexcept = 0;

  /// Begins an attempt. `done` runs once, within `start` or a later `poll`.
  virtual void start(const PushJob& job, Done done) = 0;

  /// Waits until an attempt has ended, `wake` was called or the time is up.
  virtual void poll(std::chrono::milliseconds timeout) = 0;

  /// Ends a `poll` that waits, or the next one. Any thread.
  virtual void wake() = 0;
};

}  // namespace order_server
