// SPDX-License-Identifier: MIT
#include <ordercast/net/address_list.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using namespace ordercast;
using namespace ordercast::net;

namespace {

AddressList list(const std::string& text) {
  std::string wrong;
  const auto parsed = AddressList::parse(text, wrong);
  CAPTURE(text, wrong);
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("trusted proxies are addresses and networks, with blanks after commas",
          "[address_list]") {
  const auto trusted = list("10.1.0.0/15 ,192.0.2.1,  2001:db8::/33, ::ffff:198.51.100.0/120");
  const auto has = [&](std::string_view text) {
    return trusted.contains(ClientAddress::parse(text).value());
  };
  CHECK(has("10.0.255.255"));
  CHECK(has("10.1.0.0"));
  CHECK_FALSE(has("10.2.0.0"));
  CHECK(has("192.0.2.1"));
  CHECK(has("::ffff:192.0.2.1"));
  CHECK_FALSE(has("192.0.2.2"));
  CHECK(has("2001:db8:7fff::1"));
  CHECK_FALSE(has("2001:db8:8000::1"));
  CHECK(has("198.51.100.77"));
  CHECK_FALSE(has("198.51.101.77"));
  CHECK(list("").empty());
  CHECK(list("0.0.0.0/0").contains(*ClientAddress::parse("8.8.8.8")));
  CHECK_FALSE(list("0.0.0.0/0").contains(*ClientAddress::parse("2001:db8::1")));
  for (const auto* wrong_one : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/a", "10.0.0.0/-1", "x",
                                "fd00::/129", "10.0.0.0/8/8", "10.0.0.1:80", "::ffff:0:0/95"}) {
    CAPTURE(wrong_one);
    std::string wrong;
    CHECK_FALSE(AddressList::parse("192.0.2.1, " + std::string(wrong_one), wrong));
    CHECK(wrong == wrong_one);
  }
  std::string wrong;
  CHECK_FALSE(AddressList::parse("192.0.2.1,,10.0.0.1", wrong));
}
