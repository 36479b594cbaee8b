// SPDX-License-Identifier: MIT
#include "support/token_forge.hpp"
#include <ordercast/auth/detail/verified_tokens.hpp>
#include <ordercast/auth/jwt_authenticator.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::test;  // NOLINT(google-build-using-namespace)

namespace {

JwtOptions caching(std::size_t most) {
  JwtOptions options = forge::options();
  options.max_cached_tokens = most;
  return options;
}

std::string token_of(const std::string& user) {
  return forge::hs256(
      forge::hs256_header,
      forge::with_times(R"("sub":")" + user + R"(","role":"CUSTOMER")", forge::fresh));
}

bool accepts(const JwtAuthenticator& authenticator, const std::string& token) {
  return std::holds_alternative<Identity>(authenticator.authenticate(token));
}

}  // namespace

TEST_CASE("a token that is remembered says the same as before", "[auth]") {
  const JwtAuthenticator authenticator(caching(8));
  const auto token = token_of("alice");
  for (int i = 0; i < 3; ++i) {
    const auto result = authenticator.authenticate(token);
    REQUIRE(std::holds_alternative<Identity>(result));
    CHECK(std::get<Identity>(result).user_id == "alice");
    CHECK(std::get<Identity>(result).reach == Reach::own);
  }
}

TEST_CASE("a token that is remembered expires as any other", "[auth]") {
  auto options = caching(8);
  auto now = options.now();
  options.now = [&now] { return now; };
  const JwtAuthenticator authenticator(options);
  const auto token = token_of("alice");
  REQUIRE(accepts(authenticator, token));
  const auto result = authenticator.verify(token);
  const auto expires_at = std::get<JwtClaims>(result).expires_at;
  now = expires_at - std::chrono::seconds(1);
  CHECK(accepts(authenticator, token));
  now = expires_at;
  CHECK_FALSE(accepts(authenticator, token));
}

TEST_CASE("every rule on claims holds for a remembered token as for a new one", "[auth]") {
  using std::chrono::seconds;
  const std::string fresh = R"("exp":1700000900)";
  const std::string customer = forge::customer + ",";
  struct Claims {
    const char* what;
    std::string payload;
  };
  const Claims all[] = {
      {"good", customer + fresh},
      {"no exp", forge::customer},
      {"ends soon", customer + R"("exp":1700000010)"},
      {"ends within a second", customer + R"("exp":1700000010.5)"},
      {"starts soon", customer + R"("nbf":1700000070,)" + fresh},
      {"starts within a second", customer + R"("nbf":1700000069.5,)" + fresh},
      {"issued in an hour", customer + R"("iat":1700003600,"exp":1700004500)"},
      {"audience", customer + R"("aud":"others",)" + fresh},
      {"issuer", customer + R"("iss":"somebody",)" + fresh},
      {"refresh", customer + R"("type":"refresh",)" + fresh},
      {"role", R"("sub":"u","role":"KING",)" + fresh},
      {"no organisation", R"("sub":"u","role":"STAFF",)" + fresh},
      {"subject", R"("sub":"","role":"CUSTOMER",)" + fresh},
      {"session", customer + R"("sid":"s-1",)" + fresh},
      {"session of no text", customer + R"("sid":7,)" + fresh},
  };
  // The clock goes forward, and back behind where it was, and each answer is that of a verifier
  // that has never seen the token.
  for (const auto& claims : all) {
    const auto token = forge::hs256(forge::hs256_header, "{" + claims.payload + "}");
    auto now = forge::at(forge::now);
    auto options = caching(8);
    options.now = [&now] { return now; };
    const JwtAuthenticator remembering(options);
    for (const int second : {0, 9, 10, 11, 0, 60, -60, 3600, 1000, 899, 0, -3600}) {
      CAPTURE(claims.what, second);
      now = forge::at(forge::now + second);
      auto plain = options;
      plain.max_cached_tokens = 0;
      const JwtAuthenticator forgetful(plain);
      const auto wanted = forgetful.verify(token);
      for (int i = 0; i < 2; ++i) {
        const auto found = remembering.verify(token);
        CHECK(forge::outcome(found) == forge::outcome(wanted));
      }
    }
  }
}

TEST_CASE("an identity names the sign-in of its token, remembered or not", "[auth]") {
  const JwtAuthenticator authenticator(caching(8));
  const auto token =
      forge::hs256(forge::hs256_header,
                   forge::with_times(forge::customer + R"(,"sid":"session-1")", forge::fresh));
  for (int i = 0; i < 2; ++i) {
    CHECK(std::get<Identity>(authenticator.authenticate(token)).session_id == "session-1");
  }
}

TEST_CASE("no byte of a token that is remembered can be changed", "[auth]") {
  const JwtAuthenticator authenticator(caching(8));
  const auto token = token_of("alice");
  REQUIRE(accepts(authenticator, token));
  for (std::size_t at = 0; at < token.size(); ++at) {
    auto other = token;
    other[at] = other[at] == 'A' ? 'B' : 'A';
    CHECK_FALSE(accepts(authenticator, other));
  }
  CHECK_FALSE(accepts(authenticator, token + "A"));
  CHECK_FALSE(accepts(authenticator, token.substr(0, token.size() - 1)));
  CHECK(accepts(authenticator, token));
}

TEST_CASE("an access token that is remembered is no refresh token", "[auth]") {
  const JwtAuthenticator authenticator(caching(8));
  const auto token = token_of("alice");
  REQUIRE(accepts(authenticator, token));
  CHECK(std::holds_alternative<AuthFailure>(authenticator.verify(token, TokenKind::refresh)));
}

TEST_CASE("as many tokens are remembered as were asked for, the last ones", "[auth]") {
  using detail::jose::digest_of;
  detail::jose::VerifiedTokens verified(3);
  const auto digest = [](int i) { return *digest_of("token " + std::to_string(i)); };
  for (int i = 0; i < 10; ++i) {
    JwtClaims claims;
    claims.subject = std::to_string(i);
    verified.add(digest(i), claims);
    verified.add(digest(i), claims);
  }
  for (int i = 0; i < 10; ++i) {
    const auto found = verified.find(digest(i));
    REQUIRE(found.has_value() == (i >= 7));
    if (found) CHECK(found->subject == std::to_string(i));
  }
}

TEST_CASE("threads may verify remembered tokens at once", "[auth]") {
  const JwtAuthenticator authenticator(caching(4));
  std::vector<std::string> tokens;
  tokens.reserve(6);
  for (int i = 0; i < 6; ++i) tokens.push_back(token_of("user-" + std::to_string(i)));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 300; ++i) {
        const auto which = (i * (t + 1)) % tokens.size();
        const auto result = authenticator.authenticate(tokens[which]);
        const auto* who = std::get_if<Identity>(&result);
        if (who == nullptr || who->user_id != "user-" + std::to_string(which)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("more tokens to remember than a million are refused", "[auth]") {
  CHECK_THROWS_AS(JwtAuthenticator(caching(1'000'001)), std::invalid_argument);
}
