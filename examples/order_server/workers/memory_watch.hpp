// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

namespace order_server {

/// Decides when memory that was freed is given back to the system: malloc keeps what lies below the
/// last block in use, so that a burst of large answers or bodies would stay resident for ever.
/// Giving back holds malloc's locks for milliseconds; so it waits until memory has stopped to grow,
/// and where it gives little it is tried ever more rarely. One thread.
class MemoryWatch {
 public:
  /// When fewer than half of at least so many connections are left, a crowd has gone.
  static constexpr std::size_t crowd = 500;
  /// Less than this above the least that was ever resident is not worth a try.
  static constexpr std::size_t slack_bytes = std::size_t{32} << 20;
  /// A try that gives back less is followed by twice the pause.
  static constexpr std::size_t worth_bytes = std::size_t{4} << 20;
  static constexpr std::chrono::seconds calm{2};
  static constexpr std::chrono::seconds first_pause{10};
  static constexpr std::chrono::seconds longest_pause{300};

  /// Looks every so often; true if memory should be given back now. Then `gave_back` is due.
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

  /// What is resident after it.
  void gave_back(std::size_t resident_bytes, ordercast::TimePoint now) noexcept {
    const bool was_worth_it = resident_bytes + worth_bytes <= last_bytes_;
    pause_ = was_worth_it ? first_pause : std::min(pause_ * 2, longest_pause);
    next_ = now + pause_;
    least_bytes_ = std::min(least_bytes_, resident_bytes);
    last_bytes_ = resident_bytes;
  }

 private:
  static constexpr std::size_t growth_bytes = std::size_t{1} << 20;

  /// Waits until nobody is leaving any more, since sockets outlive their connections a little.
  bool crowd_has_gone(std::size_t connections) noexcept {
    const bool at_rest = connections >= last_connections_;
    last_connections_ = connections;
    most_connections_ = std::max(most_connections_, connections);
    if (!at_rest || most_connections_ < crowd || connections >= most_connections_ / 2) return false;
    most_connections_ = connections;
    return true;
  }

  std::size_t last_connections_ = 0;
  std::size_t most_connections_ = 0;  // Since a crowd last went.
  std::size_t last_bytes_ = 0;
  std::size_t least_bytes_ = static_cast<std::size_t>(-1) / 2;
  std::optional<ordercast::TimePoint> grown_at_;
  std::optional<ordercast::TimePoint> next_;
  std::chrono::seconds pause_{first_pause};
};

}  // namespace order_server
