// SPDX-License-Identifier: MIT
#pragma once

#include "store/store.hpp"
#include "workers/watchdog.hpp"

#include <spdlog/spdlog.h>

#include <atomic>
#include <exception>

namespace order_server {

/// Remembers the result of the last database check, so that readiness needs no queue and no
/// database.
class StoreHealth {
 public:
  /// Checks the database and logs a changed result. Blocks as long as the database does. Call
  /// regularly on one thread.
  void check(Store& store, ordercast::TimePoint now) {
    bool works = true;
    try {
      store.check();
    } catch (const std::exception& error) {
      works = false;
      if (works_) spdlog::error("readiness: {}", error.what());
    }
    if (works && !works_) spdlog::info("readiness: the database answers again");
    works_ = works;
    checked_.beat(now);
  }

  /// Any thread.
  [[nodiscard]] bool works() const noexcept { return works_; }
  /// Returns the time since the last answer, good or bad. Any thread.
  [[nodiscard]] std::chrono::milliseconds still_for(ordercast::TimePoint now) const noexcept {
    return checked_.still_for(now);
  }

 private:
  std::atomic<bool> works_{true};
  Heartbeat checked_;
};

}  // namespace order_server
