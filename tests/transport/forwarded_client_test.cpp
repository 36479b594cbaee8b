// SPDX-License-Identifier: MIT
#include <ordercast/net/forwarded_client.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace ordercast;
using namespace ordercast::net;

namespace {

Client from(std::vector<HttpHeader> headers, const std::string& peer = "10.0.0.1") {
  std::string wrong;
  const auto trusted = AddressList::parse("10.0.0.0/8, fd00::/8", wrong);
  REQUIRE(trusted);
  return client_of({"GET", "/", std::move(headers), "", peer}, *trusted);
}

}  // namespace

TEST_CASE("a peer that is no trusted proxy is not believed about its client",
          "[forwarded_client]") {
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
          "[forwarded_client]") {
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
          "[forwarded_client]") {
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

TEST_CASE("a client that leaves a quote open or says `for` twice hides only its own address",
          "[forwarded_client]") {
  for (const auto* value :
       {"for=\"203.0.113.1, for=192.0.2.1", "for=203.0.113.1;for=192.0.2.1", "=, for=\"",
        "for=192.0.2.1\"", "for, for=192.0.2.1", "for=\"192.0.2.1\"x", "for=\"192.0.2.1\\"}) {
    CAPTURE(value);
    CHECK(from({{"Forwarded", value}}).text() == "10.0.0.1");
    CHECK(from({{"Forwarded", value}, {"Forwarded", "for=198.51.100.9"}}).text() == "198.51.100.9");
  }
}

TEST_CASE("scheme and host are those that the outermost trusted proxy saw", "[forwarded_client]") {
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
