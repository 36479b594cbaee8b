// SPDX-License-Identifier: MIT
#include "api/cors.hpp"

#include <catch2/catch.hpp>

using namespace order_server;
using ordercast::HttpRequest;

namespace {

bool allows(const std::string& origin, const std::string& host,
            std::vector<std::string> allowed = {}) {
  return Cors(std::move(allowed))
      .allows({"GET", "/", {{"Origin", origin}, {"Host", host}}, "", ""});
}

}  // namespace

TEST_CASE("a request without Origin is no browser's and is allowed", "[cors]") {
  CHECK(Cors().allows({"GET", "/", {{"Host", "x"}}, "", ""}));
}

TEST_CASE("the server's own origin is allowed, its default port written or not", "[cors]") {
  CHECK(allows("http://shop.test", "shop.test"));
  CHECK(allows("https://Shop.Test", "shop.test"));
  CHECK(allows("http://shop.test", "shop.test:80"));
  CHECK(allows("https://shop.test:443", "shop.test"));
  CHECK(allows("http://localhost:7001", "localhost:7001"));
  CHECK(allows("http://[::1]:7001", "[::1]:7001"));
}

TEST_CASE("what only looks like the own origin is foreign", "[cors]") {
  CHECK_FALSE(allows("http://shop.test:8080", "shop.test"));
  CHECK_FALSE(allows("http://shop.test.evil.example", "shop.test"));
  CHECK_FALSE(allows("http://evil.example/shop.test", "shop.test"));
  CHECK_FALSE(allows("ftp://shop.test", "shop.test"));
  CHECK_FALSE(allows("shop.test", "shop.test"));
  CHECK_FALSE(allows("null", "shop.test"));
  CHECK_FALSE(allows("null", "null"));
  CHECK_FALSE(allows("", ""));
  CHECK_FALSE(allows("http://", ""));
}

TEST_CASE("the allow-list compares whole origins", "[cors]") {
  const std::vector<std::string> list{"https://shop.example", "http://localhost:5173"};
  CHECK(allows("https://shop.example", "api.example", list));
  CHECK(allows("HTTPS://SHOP.EXAMPLE", "api.example", list));
  CHECK(allows("http://localhost:5173", "api.example", list));
  CHECK_FALSE(allows("http://shop.example", "api.example", list));
  CHECK_FALSE(allows("https://shop.example:8443", "api.example", list));
  CHECK_FALSE(allows("https://shop.example.evil.example", "api.example", list));
  CHECK_FALSE(allows("https://a.shop.example", "api.example", list));
}

TEST_CASE("two Origin headers are foreign, whatever they say", "[cors]") {
  const Cors cors({"https://shop.example"});
  CHECK_FALSE(cors.allows({"GET",
                           "/",
                           {{"Origin", "https://shop.example"}, {"Origin", "https://shop.example"}},
                           "",
                           ""}));
}

TEST_CASE("an origin is scheme, host and port, nothing more", "[cors]") {
  CHECK(is_origin("https://shop.example"));
  CHECK(is_origin("http://localhost:5173"));
  for (const auto* text : {"", "*", "shop.example", "https://", "https://shop.example/",
                           "https://a b", "https://*.example", "ws://x", "https://u@x", "null"}) {
    CAPTURE(text);
    CHECK_FALSE(is_origin(text));
  }
}
