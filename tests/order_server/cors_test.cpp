// SPDX-License-Identifier: MIT
#include "api/cors.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace order_server;
using ordercast::HttpRequest;

namespace {

bool allows(const std::string& origin, const std::string& host,
            const std::vector<std::string>& allowed = {}) {
  return Cors(allowed).allows({"GET", "/", {{"Origin", origin}, {"Host", host}}, "", ""});
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

}  // namespace

TEST_CASE("a request without Origin is no browser's and is allowed", "[cors]") {
  CHECK(Cors().allows({"GET", "/", {{"Host", "x"}}, "", ""}));
}

TEST_CASE("the server's own origin is allowed, its default port written or not", "[cors]") {
  for (const auto& [origin, host] : Pairs{{"http://shop.test", "shop.test"},
                                          {"https://Shop.Test", "shop.test"},
                                          {"http://shop.test", "shop.test:80"},
                                          {"https://shop.test:443", "shop.test"},
                                          {"http://localhost:7001", "localhost:7001"},
                                          {"http://[::1]:7001", "[::1]:7001"}}) {
    CAPTURE(origin, host);
    CHECK(allows(origin, host));
  }
}

TEST_CASE("an origin that only looks like the server's own is refused", "[cors]") {
  for (const auto* origin :
       {"http://shop.test:8080", "http://shop.test.evil.example", "http://evil.example/shop.test",
        "ftp://shop.test", "shop.test", "null"}) {
    CAPTURE(origin);
    CHECK_FALSE(allows(origin, "shop.test"));
  }
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
  for (const auto* text :
       {"https://shop.example", "http://localhost:5173", "capacitor://localhost", "ionic://app",
        "chrome-extension://abcdef", "http://[::1]:7001", "app.v1+x://host:1"}) {
    CAPTURE(text);
    CHECK(is_origin(text));
  }
  for (const auto* text : {"", "*", "shop.example", "https://", "https://shop.example/",
                           "https://a b", "https://*.example", "https://u@x", "null", "file://",
                           "://x", "1a://x", "http://x:", "http://x:0", "http://x:65536",
                           "http://x:80:80", "http://[::1", "http://::1"}) {
    CAPTURE(text);
    CHECK_FALSE(is_origin(text));
  }
}

TEST_CASE("the default port of an origin drops, in the list and in requests", "[cors]") {
  CHECK(allows("https://shop.example", "api.example", {"https://shop.example:443"}));
  CHECK(allows("https://shop.example:443", "api.example", {"https://shop.example"}));
  CHECK(allows("http://shop.example", "api.example", {"HTTP://Shop.Example:80"}));
  CHECK(allows("capacitor://localhost", "api.example", {"capacitor://localhost"}));
  CHECK_FALSE(allows("https://shop.example", "api.example", {"https://shop.example:80"}));
  CHECK_FALSE(allows("http://localhost", "api.example", {"capacitor://localhost"}));
}

TEST_CASE("the own origin has the scheme of the listener, or that of its proxy", "[cors]") {
  Site site{"http", false, {}};
  site.trusted_proxies.add("10.0.0.0/8");
  const Cors cors({}, site);
  const auto allowed = [&](const std::string& origin, std::vector<ordercast::HttpHeader> headers,
                           const std::string& peer = "192.0.2.1") {
    headers.push_back({"Origin", origin});
    headers.push_back({"Host", "shop.test"});
    return cors.allows({"GET", "/", std::move(headers), "", peer});
  };
  CHECK(allowed("http://shop.test", {}));
  CHECK_FALSE(allowed("https://shop.test", {}));
  CHECK_FALSE(allowed("https://shop.test", {{"X-Forwarded-Proto", "https"}}));
  CHECK(allowed("https://shop.test", {{"X-Forwarded-Proto", "https"}}, "10.0.0.1"));
  CHECK_FALSE(allowed("http://shop.test", {{"X-Forwarded-Proto", "https"}}, "10.0.0.1"));
  CHECK(allowed("https://www.test",
                {{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "www.test"}}, "10.0.0.1"));
  CHECK(allowed("https://www.test", {{"Forwarded", "for=192.0.2.7;host=www.test;proto=https"}},
                "10.0.0.1"));
  // A proxy that does not name the scheme.
  CHECK(allowed("https://shop.test", {}, "10.0.0.1"));
  CHECK(allowed("http://shop.test", {}, "10.0.0.1"));
}

TEST_CASE("on loopback the pages of loopback are allowed, on any port", "[cors]") {
  const auto allowed = [](const std::string& origin, bool on_loopback) {
    return Cors({}, {"http", on_loopback, {}})
        .allows({"GET", "/", {{"Origin", origin}, {"Host", "127.0.0.1:7001"}}, "", "127.0.0.1"});
  };
  for (const auto* origin : {"http://localhost:5173", "https://127.0.0.1:1", "http://[::1]:3000"}) {
    CAPTURE(origin);
    CHECK(allowed(origin, true));
    CHECK_FALSE(allowed(origin, false));
  }
  CHECK_FALSE(allowed("http://evil.example", true));
  CHECK_FALSE(allowed("http://localhost.evil.example", true));
  CHECK_FALSE(allowed("null", true));
}
