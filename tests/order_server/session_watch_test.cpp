// SPDX-License-Identifier: MIT
#include "auth/session_watch.hpp"

#include "api_fixture.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace order_server;

namespace {

bool is_good(const Tokens& tokens, const std::string& token) {
  return std::holds_alternative<ordercast::Identity>(tokens.authenticate(token));
}

/// Two nodes on one database: the API runs on the first, the second learns from the store.
struct TwoNodes {
  ApiFixture first;
  Tokens second{[this] {
    TokenOptions options;
    options.secret = test_jwt_secret;
    options.now = [this] { return first.wall; };
    return options;
  }()};
  std::vector<std::pair<std::string, std::string>> closed;
  SessionWatch watch{first.store, second,
                     [this](const std::string& user_id, const std::string& session_id) {
                       closed.emplace_back(user_id, session_id);
                     },
                     first.context.now_ms};
};

}  // namespace

TEST_CASE(
    "a sign-in that ended at one node is void at another once it looks, and its sockets close",
    "[sessions][cluster]") {
  TwoNodes nodes;
  const auto phone = sign_in(nodes.first);
  const auto tablet = sign_in(nodes.first);
  nodes.watch.look();
  REQUIRE(nodes.closed.empty());
  REQUIRE(is_good(nodes.second, phone.access));

  nodes.first.call_with_token("POST", "/api/v1/auth/logout", phone.access);
  CHECK(is_good(nodes.second, phone.access));
  nodes.watch.look();
  CHECK_FALSE(is_good(nodes.second, phone.access));
  CHECK(is_good(nodes.second, tablet.access));
  REQUIRE(nodes.closed.size() == 1);
  CHECK(nodes.closed[0].first == "customer");

  nodes.watch.look();
  CHECK(nodes.closed.size() == 1);
  nodes.first.wall += std::chrono::minutes(40);
  nodes.watch.look();
  CHECK(nodes.closed.size() == 1);
  CHECK_FALSE(is_good(nodes.second, phone.access));
}

TEST_CASE("signing out everywhere reaches the other node, also one that starts afterwards",
          "[sessions][cluster]") {
  TwoNodes nodes;
  const auto phone = sign_in(nodes.first);
  const auto tablet = sign_in(nodes.first);
  nodes.first.call_with_token("POST", "/api/v1/auth/logout", phone.access,
                              R"({"everywhere":true})");
  nodes.watch.look();
  CHECK_FALSE(is_good(nodes.second, phone.access));
  CHECK_FALSE(is_good(nodes.second, tablet.access));
  CHECK(nodes.closed.size() == 2);
  const auto again = sign_in(nodes.first);
  nodes.watch.look();
  CHECK(is_good(nodes.second, again.access));
  CHECK(nodes.closed.size() == 2);
}
