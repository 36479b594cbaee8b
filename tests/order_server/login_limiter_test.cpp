// SPDX-License-Identifier: MIT
#include "api/login_limiter.hpp"

#include <catch2/catch.hpp>

using namespace order_server;
using namespace std::chrono_literals;
using ordercast::TimePoint;

TEST_CASE("an account is locked by its tenth failure within a minute", "[limiter]") {
  LoginLimiter limiter;
  TimePoint now{1h};
  for (int i = 0; i < 9; ++i) limiter.failed("a", now);
  CHECK_FALSE(limiter.locked_for("a", now));
  limiter.failed("a", now + 1s);
  CHECK(limiter.locked_for("a", now + 1s) == 59s);
  CHECK_FALSE(limiter.locked_for("b", now + 1s));
}

TEST_CASE("a lock ends when the oldest failure is a minute old", "[limiter]") {
  LoginLimiter limiter;
  TimePoint now{1h};
  for (int i = 0; i < 10; ++i) limiter.failed("a", now + i * 1s);
  CHECK(limiter.locked_for("a", now + 59'500ms) == 1s);
  CHECK_FALSE(limiter.locked_for("a", now + 60s));
  limiter.failed("a", now + 60s);
  CHECK(limiter.locked_for("a", now + 60s) == 1s);
}

TEST_CASE("slow failures never lock", "[limiter]") {
  LoginLimiter limiter;
  TimePoint now{1h};
  for (int i = 0; i < 50; ++i) {
    now += 7s;
    limiter.failed("a", now);
    CHECK_FALSE(limiter.locked_for("a", now));
  }
}

TEST_CASE("a good login clears the record", "[limiter]") {
  LoginLimiter limiter;
  TimePoint now{1h};
  for (int i = 0; i < 9; ++i) limiter.failed("a", now);
  limiter.succeeded("a");
  limiter.failed("a", now);
  CHECK_FALSE(limiter.locked_for("a", now));
  CHECK(limiter.accounts() == 1);
}

TEST_CASE("an account that was only asked about takes no memory", "[limiter]") {
  LoginLimiter limiter;
  TimePoint now{1h};
  CHECK_FALSE(limiter.locked_for("a", now));
  CHECK(limiter.accounts() == 0);
  limiter.failed("a", now);
  CHECK_FALSE(limiter.locked_for("a", now + 61s));
  CHECK(limiter.accounts() == 0);
}

TEST_CASE("the table is bounded and forgets the account that failed longest ago", "[limiter]") {
  LoginLimits limits;
  limits.failures = 1;
  limits.max_accounts = 3;
  LoginLimiter limiter(limits);
  TimePoint now{1h};
  for (const auto* name : {"a", "b", "c"}) limiter.failed(name, now += 1s);
  limiter.failed("d", now += 1s);
  CHECK(limiter.accounts() == 3);
  CHECK_FALSE(limiter.locked_for("a", now));
  CHECK(limiter.locked_for("b", now));
  CHECK(limiter.locked_for("d", now));
  limiter.failed("e", now + 60s);
  CHECK(limiter.accounts() == 1);
}
