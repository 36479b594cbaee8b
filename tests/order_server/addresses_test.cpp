// SPDX-License-Identifier: MIT
#include "net/addresses.hpp"

#include "net/address_limiter.hpp"

#include <catch2/catch.hpp>

using namespace order_server;
using namespace std::chrono_literals;
using ordercast::TimePoint;

namespace {

std::string client(const std::string& peer, std::vector<ordercast::HttpHeader> headers = {}) {
  return client_address({"GET", "/", std::move(headers), "", peer}, {"10.0.0.1", "10.0.0.2"});
}

}  // namespace

TEST_CASE("one address has one spelling", "[addresses]") {
  CHECK(normal_address("192.0.2.1") == "192.0.2.1");
  CHECK(normal_address("::ffff:192.0.2.1") == "192.0.2.1");
  CHECK(normal_address("2001:DB8:0::1") == "2001:db8::1");
  for (const auto* text : {"", "x", "1.2.3", "1.2.3.4.5", "1.2.3.4:80", "[::1]", "fe80::1%eth0"}) {
    CAPTURE(text);
    CHECK_FALSE(is_ip_address(text));
  }
  CHECK(is_loopback("127.0.0.1"));
  CHECK(is_loopback("::1"));
  CHECK_FALSE(is_loopback("128.0.0.1"));
}

TEST_CASE("X-Forwarded-For counts only from a trusted proxy", "[addresses]") {
  CHECK(client("192.0.2.1", {{"X-Forwarded-For", "198.51.100.9"}}) == "192.0.2.1");
  CHECK(client("10.0.0.1", {{"X-Forwarded-For", "198.51.100.9"}}) == "198.51.100.9");
  CHECK(client("10.0.0.1") == "10.0.0.1");
  CHECK(client("10.0.0.1", {{"X-Forwarded-For", "rubbish"}}) == "10.0.0.1");
}

TEST_CASE("what a client writes before its proxy's entry is not believed", "[addresses]") {
  CHECK(client("10.0.0.1", {{"X-Forwarded-For", "203.0.113.5, 198.51.100.9"}}) == "198.51.100.9");
  CHECK(client("10.0.0.1", {{"X-Forwarded-For", "203.0.113.5"},
                            {"X-Forwarded-For", "198.51.100.9, 10.0.0.2"}}) == "198.51.100.9");
}

TEST_CASE("an address has a burst and then its rate", "[addresses]") {
  AddressLimiter limiter({2, 4, 100});
  TimePoint now{1h};
  for (int i = 0; i < 4; ++i) CHECK(limiter.admit("a", now));
  CHECK_FALSE(limiter.admit("a", now));
  CHECK(limiter.admit("b", now));
  now += 500ms;
  CHECK(limiter.admit("a", now));
  CHECK_FALSE(limiter.admit("a", now));
}

TEST_CASE("rate 0 limits nobody", "[addresses]") {
  AddressLimiter limiter({0, 0, 100});
  for (int i = 0; i < 100; ++i) CHECK(limiter.admit("a", TimePoint{1h}));
  CHECK(limiter.addresses() == 0);
}

TEST_CASE("the table of addresses is bounded; quiet ones make room", "[addresses]") {
  AddressLimiter limiter({1, 2, 3});
  TimePoint now{1h};
  for (const auto* name : {"a", "b", "c", "d", "e"}) CHECK(limiter.admit(name, now));
  CHECK(limiter.addresses() == 3);
  CHECK(limiter.admit("f", now + 2s));
  CHECK(limiter.addresses() == 1);
}
