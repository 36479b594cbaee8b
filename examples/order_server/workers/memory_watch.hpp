// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

namespace order_server {

/// Decides when to return freed memory to the system. malloc keeps memory below the last block in
/// use, so a burst of large answers or bodies would stay resident forever. Returning it holds
/// malloc's locks for milliseconds, so this waits until memory stops growing, and tries less and
/// less often while it gains little. One thread.
class MemoryWatch {
 public:
  /// A crowd has left when fewer than half of at least this many connections remain.
  static constexpr std::size_t crowd = 500;
  /// Not worth a try while resident memory is less than this above its minimum.
  static constexpr std::size_t slack_bytes = std::size_t{32} << 20;
  /// A try that returns less doubles the pause before the next one.
  static constexpr std::size_t worth_bytes = std::size_t{4} << 20;
  static constexpr std::chrono::seconds calm{2};
  static constexpr std::chrono::seconds first_pause{10};
  static constexpr std::chrono::seconds longest_pause{300};

  /// Call regularly. Returns true if memory should be returned now; then call `gave_back` after it.
  [[nodiscard]] bool look(std::size_t connections, std::size_t resident_bytes,
                          ordercast::TimePoint now) noexcept {
    const bool has_crowd_gone = crowd_has_gone(connections);
    const bool is_growing = !grown_at_ || resident_bytes > last_bytes_ + growth_bytes;
    if (is_growing) grown_at_ = now;
    least_bytes_ = std::min(least_bytes_, resident_bytes);
    last_bytes_ = resident_bytes;
    const bool is_heavy = resident_bytes > least_bytes_ + slack_bytes && now - *grown_at_ >= calm &&
                          (!next_ || now >= *next_);
    return has_crowd_gone || is_heavy;
  }

  /// Reports the resident memory after memory was returned.
  void gave_back(std::size_t resident_bytes, ordercast::TimePoint now) noexcept {
    const bool was_worth_it = resident_bytes + worth_bytes <= last_bytes_;
    pause_ = was_worth_it ? first_pause : std::min(pause_ * 2, longest_pause);
    next_ = now + pause_;
    least_bytes_ = std::min(least_bytes_, resident_bytes);
    last_bytes_ = resident_bytes;
  }

 private:
  static constexpr std::size_t growth_bytes = std::size_t{1} << 20;

  /// Waits until no connection is closing, since sockets outlive their connections a little.
  bool crowd_has_gone(std::size_t connections) noexcept {
    const bool at_rest = connections >= last_connections_;
    last_connections_ = connections;
    most_connections_ = std::max(most_connections_, connections);
    if (!at_rest || most_connections_ < crowd || connections >= most_connections_ / 2) return false;
    most_connections_ = connections;
    return true;
  }

  std::size_t last_connections_ = 0;
  std::size_t most_connections_ = 0;  // Since a crowd last left.
  std::size_t last_bytes_ = 0;
  std::size_t least_bytes_ = static_cast<std::size_t>(-1) / 2;
  std::optional<ordercast::TimePoint> grown_at_;
  std::optional<ordercast::TimePoint> next_;
  std::chrono::seconds pause_{first_pause};
};

}  // namespace order_server
