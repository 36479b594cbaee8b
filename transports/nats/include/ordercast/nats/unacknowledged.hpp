// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/backplane.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

/// The publishes that wait for an acknowledgement. Each `done` that is taken is called exactly
/// once, without an allocation. Thread-safe; logarithmic in what waits.
namespace ordercast::nats {

class Unacknowledged {
 public:
  using Done = std::function<void(BackplaneAnswer)>;
  using Clock = std::chrono::steady_clock;

  Unacknowledged(std::size_t most, std::size_t most_bytes) noexcept
      : most_(most), most_bytes_(most_bytes) {}

  /// Takes `done` and gives it a number; 0 if there is no room, and `done` stays. If it throws
  /// std::bad_alloc, `done` stays as well.
  [[nodiscard]] std::uint64_t enter(Done& done, std::size_t bytes, Clock::time_point deadline) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_ || waiting_.size() >= most_ || bytes_ + bytes > most_bytes_) return 0;
    auto& waiting = waiting_[last_number_ + 1];
    waiting.done = std::move(done);
    waiting.deadline = deadline;
    waiting.bytes = bytes;
    bytes_ += bytes;
    return ++last_number_;
  }

  /// Answers one, if it still waits.
  void settle(std::uint64_t number, BackplaneAnswer what) noexcept {
    Done done;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      done = take(waiting_.find(number));
    }
    answer(done, what);
  }

  /// Answers those whose deadline has passed.
  void expire(Clock::time_point now) noexcept {
    for (;;) {
      Done done;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        // Numbers grow with deadlines.
        const auto oldest = waiting_.begin();
        if (oldest == waiting_.end() || oldest->second.deadline > now) return;
        done = take(oldest);
      }
      answer(done, BackplaneAnswer::unavailable);
    }
  }

  /// Takes no more.
  void stop() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }

  [[nodiscard]] std::size_t size() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return waiting_.size();
  }
  [[nodiscard]] std::size_t bytes() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return bytes_;
  }

  /// Calls `done`. What it throws is ignored.
  static void answer(const Done& done, BackplaneAnswer what) noexcept {
    try {
      if (done) done(what);
    } catch (...) {  // NOLINT(bugprone-empty-catch): the caller is responsible for what it throws.
    }
  }

 private:
  struct Waiting {
    Done done;
    Clock::time_point deadline{};
    std::size_t bytes = 0;
  };

  using WaitingByNumber = std::map<std::uint64_t, Waiting>;

  [[nodiscard]] Done take(WaitingByNumber::iterator found) noexcept {
    if (found == waiting_.end()) return {};
    Done done = std::move(found->second.done);
    bytes_ -= found->second.bytes;
    waiting_.erase(found);
    return done;
  }

  const std::size_t most_;
  const std::size_t most_bytes_;
  mutable std::mutex mutex_;
  WaitingByNumber waiting_;
  std::size_t bytes_ = 0;
  std::uint64_t last_number_ = 0;
  bool stopped_ = false;
};

}  // namespace ordercast::nats
