// SPDX-License-Identifier: MIT
#include <ordercast/net/client_address.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

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

std::string node(std::string_view text) {
  const auto address = ClientAddress::parse_node(text);
  return address ? address->text() : "none";
}

std::string key(std::string_view text) {
  return ClientAddress::parse(text).value().limit_key();
}

Client from(std::vector<HttpHeader> headers, const std::string& peer = "10.0.0.1") {
  return client_of({"GET", "/", std::move(headers), "", peer}, list("10.0.0.0/8, fd00::/8"));
}

}  // namespace

TEST_CASE("one address has one spelling and one key", "[client_address]") {
  CHECK(ClientAddress::parse("::ffff:192.0.2.1")->text() == "192.0.2.1");
  CHECK(ClientAddress::parse("2001:DB8:0::1")->text() == "2001:db8::1");
  CHECK(ClientAddress::parse("::1")->is_loopback());
  CHECK(ClientAddress::parse("127.8.8.8")->is_loopback());
  CHECK_FALSE(ClientAddress::parse("128.0.0.1")->is_loopback());
  for (const auto* text :
       {"", "x", "1.2.3", "1.2.3.4.5", "1.2.3.4:80", "[::1]", "fe80::1%eth0", "1.2.3.4 ",
        "::1::", "00000000000000000000000000000000000000000000001"}) {
    CAPTURE(text);
    CHECK_FALSE(ClientAddress::parse(text));
  }
}

TEST_CASE("a limit counts an IPv4 address and a /64 of IPv6 as one client", "[client_address]") {
  CHECK(key("192.0.2.1") == "192.0.2.1");
  CHECK(key("::ffff:192.0.2.1") == "192.0.2.1");
  CHECK(key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::2"));
  CHECK(key("2001:db8:1:2::1") != key("2001:db8:1:3::1"));
  CHECK(key("2001:db8:1:2::1") == "2001:db8:1:2::/64");
  CHECK(key("64:ff9b::c000:201") != key("64:ff9b::c000:202"));
}

TEST_CASE("every form that proxies write for a client is read", "[client_address]") {
  for (const auto* text :
       {"203.0.113.10", "203.0.113.10:40000", "\"203.0.113.10:40000\"", "\"203.0.113.10\"",
        " 203.0.113.10 ", "203.0.113.10:_port", "[::ffff:203.0.113.10]:1"}) {
    CAPTURE(text);
    CHECK(node(text) == "203.0.113.10");
  }
  for (const auto* text :
       {"2001:db8::17", "[2001:db8::17]", "[2001:db8::17]:4711", "\"[2001:db8::17]:4711\"",
        "\"[2001:DB8::17]\"", "2001:db8::17%eth0", "[2001:db8::17%25]:1", "[2001:db8::17]:_x"}) {
    CAPTURE(text);
    CHECK(node(text) == "2001:db8::17");
  }
  for (const auto* text :
       {"", "unknown", "_hidden", "_SEVKISEK:80", "203.0.113.10:", "203.0.113.10:port",
        "203.0.113.10:123456", "[203.0.113.10]", "[2001:db8::17", "[2001:db8::17]4711",
        "[2001:db8::17]:_", "\"203.0.113.10", "host.example", "203.0.113.10:_a b", "\"\"", "\""}) {
    CAPTURE(text);
    CHECK(node(text) == "none");
  }
}

TEST_CASE("trusted proxies are addresses and networks, with blanks after commas",
          "[client_address]") {
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

TEST_CASE("what a peer that is no trusted proxy says of its client is not believed",
          "[client_address]") {
  const auto client = from({{"Forwarded", "for=198.51.100.9;proto=https;host=a"},
                            {"X-Forwarded-For", "198.51.100.9"},
                            {"X-Forwarded-Proto", "https"},
                            {"X-Forwarded-Host", "a"}},
                           "192.0.2.1");
  CHECK(client.text() == "192.0.2.1");
  CHECK(client.scheme.empty());
  CHECK(client.host.empty());
}

TEST_CASE("the client is the last one that no trusted proxy has added for another",
          "[client_address]") {
  CHECK(from({}).text() == "10.0.0.1");
  CHECK(from({{"X-Forwarded-For", "203.0.113.10:40000"}}).text() == "203.0.113.10");
  CHECK(from({{"X-Forwarded-For", "203.0.113.5, 198.51.100.9"}}).text() == "198.51.100.9");
  CHECK(from({{"X-Forwarded-For", "203.0.113.5"},
              {"X-Forwarded-For", "198.51.100.9, 10.0.0.2:80, [fd00::1]:443"}})
            .text() == "198.51.100.9");
  CHECK(from({{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}}).text() == "10.0.0.3");
  CHECK(from({{"X-Forwarded-For", "rubbish"}}).text() == "10.0.0.1");
  CHECK(from({{"X-Forwarded-For", "203.0.113.5, unknown, 10.0.0.2"}}).text() == "10.0.0.2");
  CHECK(from({{"X-Forwarded-For", "203.0.113.5"}}, "::ffff:10.0.0.1").text() == "203.0.113.5");
}

TEST_CASE("Forwarded is read in all its forms and goes before X-Forwarded-For",
          "[client_address]") {
  const auto forwarded = [](const std::string& value) {
    return from({{"Forwarded", value}, {"X-Forwarded-For", "198.51.100.200"}});
  };
  CHECK(forwarded("for=192.0.2.60;proto=http;by=203.0.113.43").text() == "192.0.2.60");
  CHECK(forwarded("For=\"[2001:db8:cafe::17]:4711\"").text() == "2001:db8:cafe::17");
  CHECK(forwarded("proto=https ; FOR = 192.0.2.43 , for=10.0.0.2").text() == "192.0.2.43");
  CHECK(forwarded("for=192.0.2.43, for=\"[fd00::2]\"").text() == "192.0.2.43");
  CHECK(forwarded("for=_hidden").text() == "10.0.0.1");
  CHECK(forwarded("for=unknown, for=10.0.0.2").text() == "10.0.0.2");
  CHECK(forwarded("for=\"192.0.2.1\\:80\"").text() == "192.0.2.1");
  CHECK(forwarded("for=192.0.2.1;;,").text() == "192.0.2.1");
  CHECK(forwarded("by=10.0.0.9;host=\"a, b;c=d\", for=192.0.2.9").text() == "192.0.2.9");
}

TEST_CASE(
    "a client that leaves a quote open or says `for` twice hides nobody's address but its own",
    "[client_address]") {
  for (const auto* value :
       {"for=\"203.0.113.1, for=192.0.2.1", "for=203.0.113.1;for=192.0.2.1", "=, for=\"",
        "for=192.0.2.1\"", "for, for=192.0.2.1", "for=\"192.0.2.1\"x", "for=\"192.0.2.1\\"}) {
    CAPTURE(value);
    CHECK(from({{"Forwarded", value}}).text() == "10.0.0.1");
    CHECK(from({{"Forwarded", value}, {"Forwarded", "for=198.51.100.9"}}).text() == "198.51.100.9");
  }
}

TEST_CASE("scheme and host are those that the outermost trusted proxy saw", "[client_address]") {
  auto client = from({{"Forwarded",
                       "for=192.0.2.1;proto=HTTPS;host=\"shop.example:8443\", "
                       "for=10.0.0.2;proto=http;host=inner"}});
  CHECK(client.scheme == "https");
  CHECK(client.host == "shop.example:8443");

  client = from({{"X-Forwarded-For", "203.0.113.7, 192.0.2.1"},
                 {"X-Forwarded-Proto", "http, https"},
                 {"X-Forwarded-Host", "evil.example, shop.example"}});
  CHECK(client.text() == "192.0.2.1");
  CHECK(client.scheme == "https");
  CHECK(client.host == "shop.example");

  client = from({{"X-Forwarded-For", "192.0.2.1, 10.0.0.2"}, {"X-Forwarded-Proto", "https"}});
  CHECK(client.scheme == "https");

  client = from({{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "shop.example"}});
  CHECK(client.text() == "10.0.0.1");
  CHECK(client.scheme == "https");
  CHECK(client.host == "shop.example");

  CHECK(from({{"X-Forwarded-For", "192.0.2.1"}, {"X-Forwarded-Proto", "gopher"}}).scheme.empty());
}
