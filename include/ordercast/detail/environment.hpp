// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/limits.hpp>
#include <ordercast/requirements.hpp>
#include <ordercast/services.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <random>
#include <string_view>
#include <utility>

namespace ordercast::detail {

/// What a connection manager is built with, shared by its parts. One thread at a time.
template <class Transport, class ServicesT>
struct Environment {
  Environment(Transport& sends, ServicesT serves, const Limits& bounds, std::uint32_t seed)
      : transport(sends), services(std::move(serves)), limits(bounds), random(seed) {
    validate(limits);
  }

  [[nodiscard]] TimePoint now() const { return services.clock.now(); }

  /// A random time from `least` to `most`, both included.
  [[nodiscard]] std::chrono::milliseconds random_between(std::chrono::milliseconds least,
                                                         std::chrono::milliseconds most) {
    std::uniform_int_distribution<std::int64_t> spread(least.count(), most.count());
    return std::chrono::milliseconds(spread(random));
  }

  /// Tells the observer. What it throws is ignored: metrics never cost a delivery.
  template <class F>
  void tell(F&& f) noexcept {
    try {
      f(services.observer);
    } catch (...) {
      return;
    }
  }
  /// Tells the observer, if it wants to know, that a service has thrown. Within the handler.
  void tell_failed([[maybe_unused]] std::string_view service) noexcept {
    if constexpr (compiles<ServiceFailedCall, decltype((services.observer))>) {
      tell([&](auto& observer) { observer.on_service_failed(service, std::current_exception()); });
    }
  }
  void count_delivered(MessageType type, std::size_t count) noexcept {
    if (count != 0) tell([&](auto& observer) { observer.on_delivered(type, count); });
  }

  Transport& transport;
  ServicesT services;
  Limits limits;
  std::minstd_rand random;
};

}  // namespace ordercast::detail
