// SPDX-License-Identifier: MIT
#include "realtime/order_lookup.hpp"

#include "domain/printable.hpp"

#include <spdlog/spdlog.h>

#include <chrono>

namespace order_server {
namespace {

constexpr std::chrono::seconds log_interval{1};

}  // namespace

void note_unavailable(Metrics& metrics, std::size_t count, const char* reason) noexcept {
  metrics.lookup_failures.add(static_cast<std::int64_t>(count));
  static std::mutex mutex;
  static std::chrono::steady_clock::time_point next;
  static std::size_t unsaid = 0;
  try {
    const std::lock_guard lock(mutex);
    unsaid += count;
    const auto now = std::chrono::steady_clock::now();
    if (now < next) return;
    next = now + log_interval;
    spdlog::error("{} look-ups of orders can't be answered just now: {}", unsaid,
                  printable(reason));
    unsaid = 0;
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // The failures are counted; a failing log must not cost a client its answer.
  }
}

}  // namespace order_server
