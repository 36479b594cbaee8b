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
  for (auto& part : parts_) {
    const auto still = part.still_for(now);
    const bool is_stalled = still > part.limit;
    if (is_stalled == part.was_stalled) continue;
    part.was_stalled = is_stalled;
    if (is_stalled) {
      ++part.stalls;
      spdlog::error("watchdog: {} has stood still for {} ms", part.name, still.count());
    } else {
      spdlog::warn("watchdog: {} moves again", part.name);
    }
  }
}

std::optional<std::string> Watchdog::stalled(ordercast::TimePoint now) const {
  for (const auto& part : parts_) {
    if (part.still_for(now) > part.limit) return part.name;
  }
  return std::nullopt;
}

bool Watchdog::io_turns(ordercast::TimePoint now) const {
  return std::none_of(parts_.begin(), parts_.end(), [now](const Part& part) {
    return part.kind == PartKind::io_thread && part.still_for(now) > part.limit;
  });
}

std::vector<Watchdog::PartState> Watchdog::parts(ordercast::TimePoint now) const {
  const std::lock_guard lock(mutex_);
  std::vector<PartState> states;
  for (const auto& part : parts_) {
    const auto still = part.still_for(now);
    states.push_back({part.name, still, still > part.limit, part.stalls});
  }
  return states;
}

}  // namespace order_server
