// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Notices when a part of the server stalls.
namespace order_server {

/// The heartbeat of a loop. One relaxed atomic; any thread.
class Heartbeat {
 public:
  void beat(ordercast::TimePoint now) noexcept { last_.store(ticks(now)); }
  /// Says that no beat is expected until the next call of `beat`.
  void rest() noexcept { last_.store(resting); }
  [[nodiscard]] bool is_resting() const noexcept { return last_.load() == resting; }
  /// Returns the time since the last beat; 0 while it rests.
  [[nodiscard]] std::chrono::milliseconds still_for(ordercast::TimePoint now) const noexcept {
    const auto last = last_.load();
    return std::chrono::milliseconds(last == resting ? 0 : ticks(now) - last);
  }

 private:
  static constexpr std::int64_t resting = INT64_MIN;
  static std::int64_t ticks(ordercast::TimePoint at) noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
  }
  std::atomic<std::int64_t> last_{resting};
};

/// Checks whether a thread still runs posted tasks.
class Probe {
 public:
  using Post = std::function<void(std::function<void()>)>;
  explicit Probe(Post post) : post_(std::move(post)) {}

  /// Posts a probe unless the last one is still waiting, so at most one waits. One thread.
  void ask(ordercast::TimePoint now);
  /// Returns how long a probe has been waiting. Any thread.
  [[nodiscard]] std::chrono::milliseconds still_for(ordercast::TimePoint now) const noexcept {
    return open_->still_for(now);
  }

 private:
  const Post post_;
  const std::shared_ptr<Heartbeat> open_ =
      std::make_shared<Heartbeat>();  // shared with the posted task
};

enum class PartKind : std::uint8_t { io_thread, worker };

/// Finds stalled parts by the time since their last progress. Add all parts before the first look;
/// after that any thread. Every query looks first, so a query needs no other thread, and every
/// stall that a query reports is also logged and counted.
class Watchdog {
 public:
  /// Returns the time since a part's last progress; 0 if it has nothing to do. Never blocks.
  using StillFor = std::function<std::chrono::milliseconds(ordercast::TimePoint now)>;

  struct PartState {
    std::string name;
    std::chrono::milliseconds still_for{0};
    bool stalled = false;
    std::int64_t stalls = 0;  ///< Since the start.
  };

  void add(std::string name, PartKind kind, std::chrono::milliseconds limit, StillFor still_for);

  /// Logs and counts every part that has stalled or recovered since the last look.
  void look(ordercast::TimePoint now);

  /// Returns the first stalled part; nullopt if there is none.
  [[nodiscard]] std::optional<std::string> stalled(ordercast::TimePoint now);

  /// Returns true if no I/O thread is stalled.
  [[nodiscard]] bool io_turns(ordercast::TimePoint now);

  [[nodiscard]] std::vector<PartState> parts(ordercast::TimePoint now);

 private:
  struct Part {
    std::string name;
    PartKind kind;
    std::chrono::milliseconds limit;
    StillFor still_for;
    // The result of the last look, under mutex_:
    std::chrono::milliseconds still{0};
    bool is_stalled = false;
    std::int64_t stalls = 0;
  };

  void judge(ordercast::TimePoint now);

  std::vector<Part> parts_;
  ordercast::TimePoint looked_at_ = ordercast::TimePoint::min();
  std::mutex mutex_;
};

}  // namespace order_server
