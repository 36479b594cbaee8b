// SPDX-License-Identifier: MIT
#include "support/token_forge.hpp"
#include <ordercast/auth/jwt_authenticator.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <variant>

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::test;  // NOLINT(google-build-using-namespace)

namespace {

JwtIssuerOptions issuer_options() {
  JwtIssuerOptions options;
  options.secret = forge::secret;
  options.roles = forge::roles();
  options.key_id = "2024-06";
  options.now = [] { return forge::at(forge::now); };
  return options;
}

JwtAuthenticator authenticator() {
  JwtOptions options = forge::options();
  options.keys = {{"2024-06", JwtAlgorithm::hs256, forge::secret, false}};
  return JwtAuthenticator(options);
}

const JwtUser manager{"u-7", "ORG_ADMIN", "org-1"};

}  // namespace

TEST_CASE("an issued access token says what it was issued for, for 15 minutes", "[auth]") {
  const auto token = JwtIssuer(issuer_options()).issue_access(manager, "m@example.org");
  const auto result = authenticator().verify(token);
  REQUIRE(std::holds_alternative<JwtClaims>(result));
  const auto& claims = std::get<JwtClaims>(result);
  CHECK(claims.subject == "u-7");
  CHECK(claims.role == "ORG_ADMIN");
  CHECK(claims.organization_id == "org-1");
  CHECK(claims.email == "m@example.org");
  CHECK(claims.issued_at == UnixSeconds(std::chrono::seconds(forge::now)));
  CHECK(claims.expires_at - *claims.issued_at == std::chrono::minutes(15));
  CHECK(forge::outcome(authenticator().verify(token, TokenKind::refresh)) == "not a refresh token");
}

TEST_CASE("an issued refresh token names the user for 30 days and is no access token", "[auth]") {
  const auto token = JwtIssuer(issuer_options()).issue_refresh("u-7");
  CHECK(forge::outcome(authenticator().verify(token)) == "not an access token");
  const auto result = authenticator().verify(token, TokenKind::refresh);
  REQUIRE(std::holds_alternative<JwtClaims>(result));
  const auto& claims = std::get<JwtClaims>(result);
  CHECK(claims.subject == "u-7");
  CHECK(claims.role.empty());
  CHECK(claims.type == "refresh");
  CHECK(claims.expires_at - *claims.issued_at == std::chrono::hours(24 * 30));
}

TEST_CASE("an issued token is a plain JWS: signed over what it shows", "[auth]") {
  const auto token = JwtIssuer(issuer_options()).issue_access({"u", "CUSTOMER"}, "");
  const auto dot = token.rfind('.');
  CHECK(token.substr(dot + 1) == ordercast::test::base64url(ordercast::test::hmac_sha256(
                                     forge::secret, token.substr(0, dot))));
  CHECK(token.substr(0, dot) ==
        forge::signed_input(R"({"alg":"HS256","kid":"2024-06","typ":"JWT"})",
                            R"({"exp":1700000900,"iat":1700000000,"role":"CUSTOMER","sub":"u"})"));
}

TEST_CASE("an issuer writes kid, iss and aud where it has them", "[auth]") {
  JwtIssuerOptions options = issuer_options();
  options.key_id = "";
  options.issuer = "https://id.example";
  options.audience = "orders";
  options.access_lifetime = std::chrono::seconds(1);
  const auto token = JwtIssuer(options).issue_access(manager, "m@example.org");

  JwtOptions strict = forge::options();
  strict.issuer = options.issuer;
  strict.audience = options.audience;
  CHECK(forge::outcome(JwtAuthenticator(strict).verify(token)) == "accepted");
  CHECK(forge::outcome(authenticator().verify(token)) == "unknown key");
  strict.now = [] { return forge::at(forge::now + 1); };
  CHECK(forge::outcome(JwtAuthenticator(strict).verify(token)) == "expired");
}

TEST_CASE("an issuer refuses what no authenticator would accept", "[auth]") {
  const JwtIssuer issuer(issuer_options());
  const std::string long_id(129, 'u');
  const std::string nul("u\0x", 3);
  for (const std::string& id : {std::string(), long_id, nul, std::string("\xFF")}) {
    CHECK_THROWS_AS(issuer.issue_refresh(id), std::invalid_argument);
    CHECK_THROWS_AS(issuer.issue_access({id, "CUSTOMER"}, ""), std::invalid_argument);
    CHECK_THROWS_AS(issuer.issue_access({"u", "STAFF", id}, ""), std::invalid_argument);
  }
  CHECK_THROWS_WITH(issuer.issue_access({"u", "KING"}, ""),
                    Catch::Contains("unknown role; the known ones are SUPER_ADMIN, "));
  CHECK_THROWS_AS(issuer.issue_access({"u", "CUSTOMER"}, nul), std::invalid_argument);
  CHECK_THROWS_AS(issuer.issue_access({"u", "CUSTOMER"}, std::string(4000, 'e')),
                  std::invalid_argument);
  CHECK_NOTHROW(issuer.issue_access({"u", "CUSTOMER", long_id}, ""));
}

TEST_CASE("an issuer needs a strong secret, sane lifetimes and a clock", "[auth]") {
  const auto refused = [](auto change) {
    JwtIssuerOptions options = issuer_options();
    change(options);
    try {
      const JwtIssuer issuer(options);
      return false;
    } catch (const std::invalid_argument&) {
      return true;
    }
  };
  using Options = JwtIssuerOptions;
  CHECK_FALSE(refused([](Options&) {}));
  CHECK(refused([](Options& o) { o.secret = std::string(31, 's'); }));
  CHECK_FALSE(refused([](Options& o) { o.secret = "s", o.allow_short_secret = true; }));
  CHECK(refused([](Options& o) { o.secret = "", o.allow_short_secret = true; }));
  CHECK(refused([](Options& o) { o.access_lifetime = std::chrono::seconds(0); }));
  CHECK(refused([](Options& o) { o.refresh_lifetime = std::chrono::seconds(-1); }));
  CHECK(refused([](Options& o) { o.refresh_lifetime = std::chrono::seconds::max(); }));
  CHECK(refused([](Options& o) { o.now = nullptr; }));
}
