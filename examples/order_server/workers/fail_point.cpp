// SPDX-License-Identifier: MIT
#include "workers/fail_point.hpp"

#ifdef ORDER_SERVER_FAIL_POINTS

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

namespace order_server {
namespace {

struct Plan {
  std::string name;
  std::atomic<long> passings_left{0};
};

/// Reads the plan once; an invalid plan never matches.
Plan& plan() {
  static Plan& read = *[] {
    auto* made = new Plan;  // Never freed.
    const char* text = std::getenv("ORDER_SERVER_FAIL_POINT");
    const std::string_view given = text == nullptr ? "" : text;
    const auto colon = given.rfind(':');
    if (colon == std::string_view::npos) return made;
    made->name = given.substr(0, colon);
    made->passings_left = std::strtol(given.data() + colon + 1, nullptr, 10);
    return made;
  }();
  return read;
}

}  // namespace

void fail_point(const char* name) noexcept {
  auto& planned = plan();
  if (planned.name != name) return;
  if (planned.passings_left.fetch_sub(1) == 1) std::raise(SIGKILL);
}

void stall_point(std::string_view part) noexcept {
  static const char* const folder = std::getenv("ORDER_SERVER_STALL");
  if (folder == nullptr) return;
  const auto gate = std::string(folder) + "/" + std::string(part);
  while (access(gate.c_str(), F_OK) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

std::chrono::milliseconds stall_limit(std::chrono::milliseconds usual) noexcept {
  static const char* const given = std::getenv("ORDER_SERVER_STALL_LIMIT_MS");
  return given == nullptr ? usual : std::chrono::milliseconds(std::strtol(given, nullptr, 10));
}

}  // namespace order_server

#endif
