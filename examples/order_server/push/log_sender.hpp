// SPDX-License-Identifier: MIT
#pragma once

#include "push/push_sender.hpp"

#include <condition_variable>
#include <mutex>

/// For the demo: without a service account, pushes go to the log.
namespace order_server {

class LogSender final : public PushSender {
 public:
  [[nodiscard]] std::size_t capacity() const noexcept override { return 64; }
  /// Logs what would be sent. Abbreviates the token.
  void start(const PushJob& job, Done done) override;
  void poll(std::chrono::milliseconds timeout) override;
  void wake() override;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_woken_ = false;  // under mutex_
};

}  // namespace order_server
