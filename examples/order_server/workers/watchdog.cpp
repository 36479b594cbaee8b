// SPDX-License-Identifier: MIT
#include "workers/watchdog.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace order_server {

void Probe::ask(ordercast::TimePoint now) {
  if (!open_->is_resting()) return;
  open_->beat(now);
  post_([open = open_] { open->rest(); });
}

void Watchdog::add(std::string name, PartKind kind, std::chrono::milliseconds limit,
                   StillFor still_for) {
  parts_.push_back({std::move(name), kind, limit, std::move(still_for)});
}

void Watchdog::look(ordercast::TimePoint now) {
  const std::lock_guard lock(mutex_);
  judge(now);
}

void Watchdog::judge(ordercast::TimePoint now) {
  now = looked_at_ = std::max(now, looked_at_);  // a caller may have waited for the lock
  for (auto& part : parts_) {
    part.still = part.still_for(now);
    const bool is_stalled = part.still > part.limit;
    if (is_stalled == part.is_stalled) continue;
    part.is_stalled = is_stalled;
    if (is_stalled) {
      ++part.stalls;
      spdlog::error("watchdog: {} has been stalled for {} ms", part.name, part.still.count());
    } else {
      spdlog::warn("watchdog: {} has recovered", part.name);
    }
  }
}

std::optional<std::string> Watchdog::stalled(ordercast::TimePoint now) {
  const std::lock_guard lock(mutex_);
  judge(now);
  for (const auto& part : parts_) {
    if (part.is_stalled) return part.name;
  }
  return std::nullopt;
}

bool Watchdog::io_turns(ordercast::TimePoint now) {
  const std::lock_guard lock(mutex_);
  judge(now);
  return std::none_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return part.kind == PartKind::io_thread && part.is_stalled;
  });
}

std::vector<Watchdog::PartState> Watchdog::parts(ordercast::TimePoint now) {
  const std::lock_guard lock(mutex_);
  judge(now);
  std::vector<PartState> states;
  for (const auto& part : parts_) {
    states.push_back({part.name, part.still, part.is_stalled, part.stalls});
  }
  return states;
}

}  // namespace order_server
