// SPDX-License-Identifier: MIT
#include <ordercast/net/stalled_answers.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <optional>
#include <vector>

using namespace std::chrono_literals;
using ordercast::TimePoint;
using ordercast::net::StalledAnswers;

namespace {

/// Connections by number: when each last took bytes, and how often the kernel was asked.
struct Crowd {
  std::vector<TimePoint> taken_at;
  std::vector<bool> takes;
  int looks = 0;

  std::optional<std::size_t> find(StalledAnswers& stalled, TimePoint now) {
    return stalled.find_longest<std::size_t>(now, [&](auto&& visit) {
      for (std::size_t i = 0; i < taken_at.size(); ++i) {
        visit(
            i,
            [&](TimePoint time) {
              ++looks;
              if (takes[i]) taken_at[i] = time;
            },
            [&] { return taken_at[i]; });
      }
    });
  }
};

}  // namespace

TEST_CASE("the one that has waited longest makes room, and none within the grace",
          "[stalled_answers]") {
  const auto start = TimePoint{} + 100h;
  StalledAnswers stalled;
  Crowd crowd{{start, start - 500ms, start - 200ms}, {false, false, false}};
  CHECK_FALSE(crowd.find(stalled, start));
  CHECK(crowd.find(stalled, start + 600ms) == 1U);
  CHECK(crowd.find(stalled, start + 2s) == 1U);
  CHECK_FALSE(Crowd{}.find(stalled, start + 2s));
}

TEST_CASE("a client that takes bytes is spared, and the kernel is asked now and then",
          "[stalled_answers]") {
  const auto start = TimePoint{} + 100h;
  StalledAnswers stalled;
  Crowd crowd{{start - 2s, start - 3s}, {false, true}};
  CHECK(crowd.find(stalled, start) == 0U);
  CHECK(crowd.looks == 2);
  CHECK(crowd.find(stalled, start + 100ms) == 0U);
  CHECK(crowd.looks == 2);
  CHECK(crowd.find(stalled, start + 250ms) == 0U);
  CHECK(crowd.looks == 4);
}
