// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <chrono>
#include <optional>

/// Whose answers are dropped when memory for answers is short: those that have waited longest for a
/// client that reads nothing. One thread.
namespace ordercast::net {

class StalledAnswers {
 public:
  /// How long a client may take nothing before its answers may make room for others'.
  static constexpr std::chrono::milliseconds grace{1000};

  /// Returns the connection to close; nullopt if all of them get on. `each(visit)` calls
  /// `visit(connection, note, since)` for every connection that may be closed and has unwritten
  /// bytes: `note(now)` looks in the kernel for what the client has taken, `since()` is when it
  /// last took some. Linear in the connections; the kernel is asked at most four times a `grace`.
  template <class Connection, class Each>
  [[nodiscard]] std::optional<Connection> find_longest(TimePoint now, Each&& each) {
    const bool looks = now - looked_at_ >= grace / 4;
    if (looks) looked_at_ = now;
    std::optional<Connection> longest;
    auto since = looked_at_ - grace;  // What a client took since then is not known.
    each([&](Connection connection, auto&& note, auto&& taken_at) {
      if (looks) note(now);
      if (taken_at() > since) return;
      since = taken_at();
      longest = connection;
    });
    return longest;
  }

 private:
  TimePoint looked_at_{};  // When the kernel was last asked.
};

}  // namespace ordercast::net
