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

/// The way into an event loop that may be gone: other threads keep responders and completions for
/// as long as they like, an `io_context` does not wait for them.
///
/// Thread-safe. The lock is held for one enqueueing, as Asio's own is.
namespace ordercast::net {

class LoopPort {
 public:
  explicit LoopPort(::asio::io_context& io) : io_(&io) {}

  /// Runs `task` on the loop's thread, in the order of one caller's posts, or drops it when the
  /// loop is gone.
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
