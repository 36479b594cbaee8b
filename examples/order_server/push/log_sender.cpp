// SPDX-License-Identifier: MIT
#include "push/log_sender.hpp"

#include "domain/printable.hpp"
#include "push/push_message.hpp"

#include <spdlog/spdlog.h>

namespace order_server {

void LogSender::start(const PushJob& job, Done done) {
  const auto status = order_status_from_string(job.status).value_or(OrderStatus::pending);
  spdlog::info("push (not sent): to {} {}: \"{}\" \"{}\" order {} version {}", job.platform,
               abbreviated(job.token), push_title(status),
               printable(push_body(job.order_id, status)), printable(job.order_id), job.version);
  done({});
}

void LogSender::poll(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [this] { return is_woken_; });
  is_woken_ = false;
}

void LogSender::wake() {
  {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
  }
  changed_.notify_one();
}

}  // namespace order_server
