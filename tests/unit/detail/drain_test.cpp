// SPDX-License-Identifier: MIT
#include "support/manager_parts.hpp"
#include "support/shop.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace ordercast;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using std::chrono::seconds;
using test::changed;
using test::ManagerParts;
using test::Shop;

TEST_CASE("a drain begins once and tells when its window ends", "[drain]") {
  ManagerParts parts;
  CHECK(parts.drain.tick(parts.clock.now()) == TimePoint::max());
  CHECK_FALSE(parts.drain.has_begun());
  const auto slow = parts.open(1);
  parts.open(2, "bob");
  parts.stop_reading(slow);
  parts.sender.deliver(slow, QueuedKind::control, {}, ManagerParts::frame("second"));
  const auto end = parts.clock.now() + 10s;
  parts.drain.begin(10s);
  parts.drain.begin(99s);
  CHECK(parts.drain.has_begun());
  CHECK(parts.transport[2].code == CloseCode::service_restart);
  CHECK_FALSE(parts.transport[1].closed);
  CHECK(parts.drain.tick(parts.clock.now()) == end);
  CHECK(parts.drain.tick(end) == TimePoint::max());
  CHECK(parts.transport[1].code == CloseCode::service_restart);
}

TEST_CASE("a drain closes with 1012 and spreads the reconnects", "[manager]") {
  Shop f({100, 0});
  for (int handle = 0; handle < 100; ++handle) f.open(handle, "root");
  f.manager.begin_drain(seconds(10));
  int late = 0;
  for (int handle = 0; handle < 100; ++handle) {
    REQUIRE(f.transport[handle].code == CloseCode::service_restart);
    const auto& reason = f.transport[handle].reason;
    REQUIRE(reason.substr(0, 15) == "retry-after-ms=");
    const auto wait = std::stoi(reason.substr(15));
    CHECK(wait >= 0);
    CHECK(wait <= 10'000);
    late += wait > 5000 ? 1 : 0;
  }
  CHECK(late > 20);
  CHECK(late < 80);
  f.open(200, "alice");
  CHECK(f.transport[200].code == CloseCode::service_restart);
}

TEST_CASE("a drain gives a slow connection time to read its queue", "[manager]") {
  Shop f;
  f.open(1, "alice");
  f.open(2, "root");
  for (const int handle : {1, 2}) {
    f.subscribe(handle, "order-1");
    f.transport[handle].reads = false;
  }
  for (int i = 0; i < 100; ++i) f.change("order-1");
  f.manager.begin_drain(seconds(10));
  CHECK_FALSE(f.transport[1].closed);
  f.transport[1].reads = true;
  if (f.transport.take(1)) f.manager.on_writable(1);
  CHECK(f.received(1).back() == changed);
  CHECK(f.transport[1].code == CloseCode::service_restart);
  f.pass(seconds(9));
  CHECK_FALSE(f.transport[2].closed);
  f.pass(seconds(2));
  CHECK(f.transport[2].code == CloseCode::service_restart);
}
