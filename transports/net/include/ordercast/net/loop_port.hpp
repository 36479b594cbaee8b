// SPDX-License-Identifier: MIT
#pragma once

// Before Asio, which looks for what the standard library has.
// clang-format off
#include <cstddef>
// clang-format on

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <mutex>
#include <utility>

/// Posts to an event loop that may no longer exist: other threads may keep responders and
/// completions longer than the `io_context` lives.
///
/// Thread-safe. Holds its lock while it enqueues one task, like Asio's own.
namespace ordercast::net {

class LoopPort {
 public:
  explicit LoopPort(::asio::io_context& io) : io_(&io) {}

  /// Runs `task` on the loop's thread, in the order of one caller's posts, or drops it if the loop
  /// is gone.
  template <class Task>
  void post(Task&& task) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (io_ != nullptr) ::asio::post(*io_, std::forward<Task>(task));
  }

  /// Call before the loop is destroyed.
  void close() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    io_ = nullptr;
  }

 private:
  std::mutex mutex_;
  ::asio::io_context* io_;
};

}  // namespace ordercast::net
