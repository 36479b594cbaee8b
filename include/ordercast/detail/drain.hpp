// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/detail/connections.hpp>
#include <ordercast/detail/environment.hpp>
#include <ordercast/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace ordercast::detail {

/// Sends clients away before the server ends, each with a time of its own to come back. One thread
/// at a time.
template <class Transport, class ServicesT>
class Drain {
 public:
  using ConnectionsT = Connections<Transport, ServicesT>;
  using EnvironmentT = Environment<Transport, ServicesT>;

  Drain(EnvironmentT& environment, ConnectionsT& connections) noexcept
      : environment_(environment), connections_(connections) {}

  /// Closes the connections that nothing waits for; those that are slow have `window` to take what
  /// waits. Does nothing if it has begun before.
  void begin(std::chrono::milliseconds window) {
    if (deadline_) return;
    window_ = (std::max)(window, std::chrono::milliseconds(0));
    deadline_ = later_by(environment_.now(), window_);
    std::vector<Slot> ready;
    connections_.registry().for_each_connection([&](Slot slot) {
      if (!connections_.route(slot).queueing) ready.push_back(slot);
    });
    for (const Slot slot : ready) close(slot);
  }
  [[nodiscard]] bool has_begun() const noexcept { return deadline_.has_value(); }

  /// Closes one connection. Clients come back at a time of their own within the window, not all at
  /// once. Needs no memory.
  void close(Slot slot) noexcept {
    constexpr std::string_view name = "retry-after-ms=";
    std::array<char, 40> reason{};
    std::copy(name.begin(), name.end(), reason.begin());
    const auto after = environment_.random_between(std::chrono::milliseconds(0), window_);
    const auto written =
        std::to_chars(reason.data() + name.size(), reason.data() + reason.size(), after.count());
    connections_.close(slot, CloseCode::service_restart,
                       {reason.data(), static_cast<std::size_t>(written.ptr - reason.data())});
  }

  /// Closes those that are still there when the window is over. Returns when that is;
  /// `TimePoint::max()` if nothing is to come.
  TimePoint tick(TimePoint now) {
    if (!deadline_) return (TimePoint::max)();
    if (now < *deadline_) return *deadline_;
    std::vector<Slot> late;
    connections_.registry().for_each_connection([&](Slot slot) { late.push_back(slot); });
    for (const Slot slot : late) close(slot);
    return (TimePoint::max)();
  }

 private:
  EnvironmentT& environment_;
  ConnectionsT& connections_;
  std::optional<TimePoint> deadline_;
  std::chrono::milliseconds window_{0};
};

}  // namespace ordercast::detail
