// SPDX-License-Identifier: MIT
// The timer wheel against a map: each deadline comes up once, never early, at most one tick late.
#include "fuzz/fuzz.hpp"
#include <ordercast/detail/timer_wheel.hpp>

#include <algorithm>
#include <chrono>
#include <map>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ordercast;        // NOLINT(google-build-using-namespace)
  using namespace ordercast::fuzz;  // NOLINT(google-build-using-namespace)
  using std::chrono::milliseconds;
  Choices choices(data, size);
  detail::TimerWheel wheel;
  std::map<std::uint32_t, TimePoint> model;
  // A machine that has just started, or one that has run for weeks.
  TimePoint now = TimePoint{} + milliseconds(choices.below(2) == 0 ? 0 : 3'000'000'000);
  wheel.advance(now, [](std::uint32_t) { require(false, "an empty wheel fires nothing"); });
  const auto schedule = [&](TimePoint deadline) {
    const std::uint32_t id = choices.byte();
    wheel.schedule(id, deadline);
    model[id] = std::max(deadline, now);  // What is overdue comes at the next tick.
  };
  while (!choices.empty()) {
    switch (choices.below(4)) {
      case 0:
        schedule(now + milliseconds(choices.word()));
        break;
      case 1:
        schedule(now - std::min(now.time_since_epoch(), Duration(milliseconds(choices.word()))));
        break;
      case 2: {
        const std::uint32_t id = choices.byte();
        wheel.cancel(id);
        model.erase(id);
        break;
      }
      default: {
        now += milliseconds(choices.byte() % 8 == 0 ? choices.word() * 8 : choices.byte() * 2);
        wheel.advance(now, [&](std::uint32_t id) {
          require(model.count(id) == 1, "only what is scheduled fires, and once");
          require(model[id] <= now, "nothing fires early");
          model.erase(id);
          // A callback may schedule and cancel; what it schedules comes at a later advance.
          const auto also = choices.below(4);
          if (also == 0) schedule(now + milliseconds(choices.word()));
          if (also == 1) {
            const std::uint32_t other = choices.byte();
            wheel.cancel(other);
            model.erase(other);
          }
        });
        for (const auto& [id, deadline] : model) {
          require(deadline + detail::TimerWheel::resolution > now, "nothing fires late");
        }
      }
    }
    require(wheel.size() == model.size(), "size");
    const auto next = wheel.next_deadline();
    require(model.empty() == (next == TimePoint::max()), "an empty wheel waits for nothing");
    for (const auto& [id, deadline] : model) {
      require(next <= deadline + detail::TimerWheel::resolution,
              "next_deadline is not behind a deadline");
    }
  }
  return 0;
}
