// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <vector>

/// A hashed timer wheel (Varghese and Lauck, 1987): one deadline for each of many small integers.
///
/// `schedule` and `cancel` are O(1); `advance` is O(slots passed + deadlines that come up). Fires
/// at the wheel's resolution, never early; a deadline more than two years ahead fires after two
/// years. Costs 16 bytes an id. One thread at a time.
namespace ordercast::detail {

class TimerWheel {
 public:
  static constexpr Duration resolution = std::chrono::milliseconds(64);

  TimerWheel() { slots_.fill(npos); }

  /// Makes room for ids below `count`, so that `schedule` can't throw for them. Strong guarantee.
  void reserve(std::size_t count) {
    if (count > nodes_.size()) nodes_.resize((std::max)(count, nodes_.size() + nodes_.size() / 2));
  }

  /// Sets the deadline of an id and replaces its old one.
  void schedule(std::uint32_t id, TimePoint deadline) {
    reserve(static_cast<std::size_t>(id) + 1);
    cancel(id);
    auto tick = tick_at_or_after(deadline);
    tick = std::clamp(tick, now_tick_ + 1, now_tick_ + farthest);
    nodes_[id].tick = static_cast<std::uint32_t>(tick);
    link(id, slot_of(tick));
    ++size_;
  }

  void cancel(std::uint32_t id) noexcept {
    if (id >= nodes_.size() || nodes_[id].slot == npos) return;
    unlink(id);
    --size_;
  }

  /// Returns the deadline of an id at the wheel's resolution; `TimePoint::max()` if it has none.
  [[nodiscard]] TimePoint deadline(std::uint32_t id) const noexcept {
    if (id >= nodes_.size() || nodes_[id].slot == npos) return (TimePoint::max)();
    const auto ahead = nodes_[id].tick - static_cast<std::uint32_t>(now_tick_);
    return time_of(now_tick_ + (ahead <= farthest ? ahead : 0));  // Or it is firing right now.
  }

  /// Frees the memory if no deadline is set.
  void shrink() noexcept {
    if (size_ == 0) decltype(nodes_)().swap(nodes_);
  }

  /// Calls `f(id)` for each id whose deadline has passed, and clears that deadline first. `f` may
  /// schedule and cancel any id. If `f` throws, the rest fire in the next call.
  template <class F>
  void advance(TimePoint now, F&& f) {
    const auto target = tick_before(now);
    if (target <= now_tick_) return;
    // One turn of the wheel visits every slot; more turns would find nothing else.
    const auto first = target - (std::min)(target - now_tick_, slot_count);
    now_tick_ = target;  // What `f` schedules fires later.
    const LeftOver guard{*this};
    for (auto tick = first + 1; tick <= target; ++tick) {
      move_list(slot_of(tick), firing);
      while (slots_[firing] != npos) {
        const auto id = slots_[firing];
        if (is_after(nodes_[id].tick, target)) {  // Due in a later turn.
          unlink(id);
          link(id, parked);
        } else {
          cancel(id);
          f(id);
        }
      }
      move_list(parked, slot_of(tick));
    }
  }

  /// Returns a time at or before the earliest deadline; `TimePoint::max()` if there is none.
  /// O(slots).
  [[nodiscard]] TimePoint next_deadline() const noexcept {
    if (size_ == 0) return (TimePoint::max)();
    for (std::uint64_t ahead = 1; ahead <= slot_count; ++ahead) {
      if (slots_[slot_of(now_tick_ + ahead)] != npos) return time_of(now_tick_ + ahead);
    }
    return time_of(now_tick_ + slot_count);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::uint32_t npos = UINT32_MAX;
  static constexpr std::uint64_t slot_count = 512;
  static constexpr std::uint64_t farthest = std::uint64_t{1} << 30U;
  static constexpr std::uint32_t firing = 512;  // Two more lists besides the wheel's slots.
  static constexpr std::uint32_t parked = 513;

  struct Node {
    std::uint32_t tick = 0;  // The low half of it.
    std::uint32_t prev = npos;
    std::uint32_t next = npos;
    std::uint32_t slot = npos;  // The list that it is in; npos: none.
  };

  /// Moves what an exception has left in the two extra lists back onto the wheel.
  struct LeftOver {
    explicit LeftOver(TimerWheel& owner) noexcept : wheel(owner) {}
    LeftOver(const LeftOver&) = delete;
    LeftOver& operator=(const LeftOver&) = delete;
    LeftOver(LeftOver&&) = delete;
    LeftOver& operator=(LeftOver&&) = delete;
    ~LeftOver() {
      for (const auto list : {firing, parked}) {
        while (wheel.slots_[list] != npos) {
          const auto id = wheel.slots_[list];
          wheel.unlink(id);
          auto& node = wheel.nodes_[id];
          if (!is_after(node.tick, wheel.now_tick_)) {
            node.tick = static_cast<std::uint32_t>(wheel.now_tick_ + 1);
          }
          wheel.link(id, node.tick % static_cast<std::uint32_t>(slot_count));
        }
      }
      // An unvisited slot contains deadlines that have passed.
      if (std::uncaught_exceptions() > exceptions) wheel.rescue_passed();
    }
    TimerWheel& wheel;
    int exceptions = std::uncaught_exceptions();
  };

  /// Moves every deadline that has passed to the next tick. O(slots + deadlines).
  void rescue_passed() noexcept {
    const auto next = now_tick_ + 1;
    for (std::uint32_t slot = 0; slot < slot_count; ++slot) {
      auto id = slots_[slot];
      while (id != npos) {
        const auto following = nodes_[id].next;
        if (!is_after(nodes_[id].tick, now_tick_)) {
          unlink(id);
          nodes_[id].tick = static_cast<std::uint32_t>(next);
          link(id, slot_of(next));
        }
        id = following;
      }
    }
  }

  /// Right for ticks within `farthest` of each other, however often their low halves wrap around.
  [[nodiscard]] static bool is_after(std::uint32_t tick, std::uint64_t other) noexcept {
    return static_cast<std::int32_t>(tick - static_cast<std::uint32_t>(other)) > 0;
  }
  [[nodiscard]] static std::uint64_t tick_before(TimePoint time) noexcept {
    return static_cast<std::uint64_t>(time.time_since_epoch() / resolution);
  }
  [[nodiscard]] static std::uint64_t tick_at_or_after(TimePoint time) noexcept {
    return tick_before(time) + (time.time_since_epoch() % resolution == Duration::zero() ? 0 : 1);
  }
  [[nodiscard]] static TimePoint time_of(std::uint64_t tick) noexcept {
    return TimePoint(resolution * static_cast<Duration::rep>(tick));
  }
  [[nodiscard]] static std::uint32_t slot_of(std::uint64_t tick) noexcept {
    return static_cast<std::uint32_t>(tick % slot_count);
  }

  void link(std::uint32_t id, std::uint32_t slot) noexcept {
    Node& node = nodes_[id];
    node.prev = npos;
    node.next = slots_[slot];
    node.slot = slot;
    if (node.next != npos) nodes_[node.next].prev = id;
    slots_[slot] = id;
  }
  void unlink(std::uint32_t id) noexcept {
    Node& node = nodes_[id];
    if (node.prev != npos) {
      nodes_[node.prev].next = node.next;
    } else {
      slots_[node.slot] = node.next;
    }
    if (node.next != npos) nodes_[node.next].prev = node.prev;
    node.slot = npos;
  }
  void move_list(std::uint32_t from, std::uint32_t to) noexcept {
    while (slots_[from] != npos) {
      const auto id = slots_[from];
      unlink(id);
      link(id, to);
    }
  }

  std::array<std::uint32_t, slot_count + 2> slots_{};
  std::vector<Node> nodes_;
  std::uint64_t now_tick_ = 0;
  std::size_t size_ = 0;
};

}  // namespace ordercast::detail
