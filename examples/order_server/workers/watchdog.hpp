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

/// Notices when a part of the server stands still.
namespace order_server {

/// Proof that a loop turns. One relaxed atomic; any thread.
class Heartbeat {
 public:
  void beat(ordercast::TimePoint now) noexcept { last_.store(ticks(now)); }
  /// Nothing is expected any more, or not yet.
  void rest() noexcept { last_.store(resting); }
  [[nodiscard]] bool is_resting() const noexcept { return last_.load() == resting; }
  /// Time since the last beat; 0 while it rests.
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

/// Asks a thread that runs posted tasks whether it still does.
class Probe {
 public:
  using Post = std::function<void(std::function<void()>)>;
  explicit Probe(Post post) : post_(std::move(post)) {}

  /// Posts a question, unless the last one is still open: one at most waits. One thread.
  void ask(ordercast::TimePoint now);
  /// How long a question has been open. Any thread.
  [[nodiscard]] std::chrono::milliseconds still_for(ordercast::TimePoint now) const noexcept {
    return open_->still_for(now);
  }

 private:
  const Post post_;
  const std::shared_ptr<Heartbeat> open_ = std::make_shared<Heartbeat>();  // also held by the task
};

enum class PartKind : std::uint8_t { io_thread, worker };

/// Judges parts by how long they have stood still. Add all parts before the first look; after that
/// any thread. Every question looks first: an answer depends on no thread of its own, and what one
/// answer says is logged and counted, however short it was.
class Watchdog {
 public:
  /// How long a part has stood still; 0 if it moves or has nothing to do. Never blocks.
  using StillFor = std::function<std::chrono::milliseconds(ordercast::TimePoint now)>;

  struct PartState {
    std::string name;
    std::chrono::milliseconds still_for{0};
    bool stalled = false;
    std::int64_t stalls = 0;  ///< Since the start.
  };

  void add(std::string name, PartKind kind, std::chrono::milliseconds limit, StillFor still_for);

  /// Logs and counts every part that has begun to stand still or to move again since the last look.
  void look(ordercast::TimePoint now);

  /// The first part that stands still; nullopt if all move.
  [[nodiscard]] std::optional<std::string> stalled(ordercast::TimePoint now);

  /// Whether every I/O thread moves.
  [[nodiscard]] bool io_turns(ordercast::TimePoint now);

  [[nodiscard]] std::vector<PartState> parts(ordercast::TimePoint now);

 private:
  struct Part {
    std::string name;
    PartKind kind;
    std::chrono::milliseconds limit;
    StillFor still_for;
    // What the last look found, under mutex_:
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
