// SPDX-License-Identifier: MIT
#include "identity_of.hpp"
#include "support/token_forge.hpp"
#include <ordercast/auth/jwt_authenticator.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <cctype>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::test;  // NOLINT(google-build-using-namespace)

namespace {

JwtClaims claims_of(const JwtResult& result) {
  CAPTURE(forge::outcome(result));
  REQUIRE(std::holds_alternative<JwtClaims>(result));
  return std::get<JwtClaims>(result);
}

const std::string unknown_role =
    "unknown role; the known ones are SUPER_ADMIN, ORG_ADMIN, STORE_MANAGER, STAFF, RIDER, "
    "CUSTOMER";

std::string header_of(const std::string& alg, const std::string& kid) {
  return R"({"alg":")" + alg + R"(","kid":")" + kid + "\"}";
}

/// Each of the three algorithms under its own key.
JwtOptions three_keys() {
  JwtOptions options = forge::options();
  options.keys = {{"h", JwtAlgorithm::hs256, forge::secret, false},
                  {"r", JwtAlgorithm::rs256, forge::rsa_key().public_pem(), false},
                  {"e", JwtAlgorithm::es256, forge::ec_key().public_pem(), false}};
  return options;
}

}  // namespace

TEST_CASE("an access token gives its user's identity", "[auth]") {
  const JwtAuthenticator authenticator(forge::options());
  const auto who = identity_of(authenticator.authenticate(forge::hs256(
      forge::hs256_header,
      forge::with_times(R"("sub":"u-1","role":"STAFF","organizationId":"org-1")", forge::fresh))));
  CHECK(who.user_id == "u-1");
  CHECK(who.reach == Reach::organization);
  CHECK(who.organization_id == "org-1");
}

TEST_CASE("verify gives all claims of an access token", "[auth]") {
  const auto claims =
      claims_of(JwtAuthenticator(forge::options())
                    .verify(forge::hs256(forge::hs256_header, R"({"sub":"ü","role":"CUSTOMER",)"
                                                              R"("email":"a@b.c",)" +
                                                                  forge::fresh + "}")));
  CHECK(claims.subject == "ü");
  CHECK(claims.role == "CUSTOMER");
  CHECK(claims.reach == Reach::own);
  CHECK(claims.organization_id.empty());
  CHECK(claims.email == "a@b.c");
  CHECK(claims.issued_at == UnixSeconds(std::chrono::seconds(forge::now)));
  CHECK(claims.expires_at == UnixSeconds(std::chrono::seconds(forge::now + 900)));
  CHECK(claims.type.empty());
}

TEST_CASE("tokens that another library signed are good: HS256, RS256, ES256", "[auth]") {
  // Made with PyJWT 2.6; the same claims in each.
  const std::string claims =
      "eyJzdWIiOiJ1LTEiLCJyb2xlIjoiT1JHX0FETUlOIiwib3JnYW5pemF0aW9uSWQiOiJvcmctMSIsImVtYWlsIjoibUBl"
      "eGFtcGxlLm9yZyIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAwOTAwfQ.";
  const std::string hs256 = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImgiLCJ0eXAiOiJKV1QifQ." + claims +
                            "_JLGJHvpmdLq8nSLo0mQ5_bPeHM_NMgBFYjZfyfbB9o";
  const std::string rs256 =
      "eyJhbGciOiJSUzI1NiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ." + claims +
      "dpylyoOjBFm-qiz5btWIQ2kqtQAvjyZhNXikn9O9X1WWF5qpdth0v83RWUx6bbU5aNTF-_KIKuf9S8pYLIfklLDIEjHe"
      "w5ZEp-WmOHv0mqPZqVQkFnv8IrGrAvx-gJeB1eaeCZNp0e0QN_ydhhYGPOlp_9l9b2f56ndCD-lIl1b2lqlP3Iewuxov"
      "O8Ge01A27NnEi1A1X9rkiJcJQVd3osGxolkbSnu8_5m6m-1wtXExJt2rZHDseC9d2HBfC8yXc1nftlCy8woC9EmK-u5u"
      "3c81uKdWsZ0SyyDXWToP79t8KMwnT8es7_nCAnXtqlzqqDMr59HiOIIiOFr0RPoAmQ";
  const std::string es256 =
      "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUiLCJ0eXAiOiJKV1QifQ." + claims +
      "crX6EFhV-WIouJAkLZB4_PurJew-qHMFqZUh0ldAicBLBGOgz-tRpo6pgVtIIeSiAGxZHJSAXM4sLK_g2IKJng";

  JwtOptions options = forge::options();
  options.keys = {{"h", JwtAlgorithm::hs256, forge::secret, false},
                  {"r", JwtAlgorithm::rs256,
                   "-----BEGIN PUBLIC KEY-----\n"
                   "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA5ioqEBs/dBfzIo8+BzDu\n"
                   "kqRnCh077OEtLU/aWPyJxBNEtJA0lu8eVCx4Bp7ttzjExpCTqlwHa7fdDSsWaVWG\n"
                   "+F4PS89e6NJxSmIsB8Jykr5F5STnnAXkLnsDMW8Ryam6Ql3ggg6itl6PBU5Az4PY\n"
                   "HbM1ZS081/j08ain5z3xYWDYvwhqtbB/5weg3HQRs5WoFnmljvxJdVD1d10eTSoP\n"
                   "5wx2q5ev95PIBV3BZjQ1VI7Y0lCYUa2mBe80MZ14s+0Pwcjsvah2ubQtdu6GJzN3\n"
                   "2mFpccyvg47wzY+eg6ulgTlvWg07q//2r0P4RjBgFdoVr1jdsmDcEk7ZpBQRH3AV\n"
                   "qwIDAQAB\n"
                   "-----END PUBLIC KEY-----\n",
                   false},
                  {"e", JwtAlgorithm::es256,
                   "-----BEGIN PUBLIC KEY-----\n"
                   "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAErqPkr1AvQh6ZwlnngCNGx6WW3xCJ\n"
                   "sozu5Y0mFPgbg1t+VNcZ2AaihB9loC1YKb2ixcuJKrWUhHZ+tmat5FXVfw==\n"
                   "-----END PUBLIC KEY-----\n",
                   false}};
  const JwtAuthenticator authenticator(options);
  for (const auto& token : {hs256, rs256, es256}) {
    CHECK(identity_of(authenticator.authenticate(token)).organization_id == "org-1");
  }
}

TEST_CASE("the signature of RFC 7515 appendix A.1 is good", "[auth]") {
  JwtOptions options = forge::options();
  options.now = [] { return forge::at(1'300'819'379); };
  const auto key = detail::jose::base64url_decode(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  options.keys.front().material = key.value();
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  // Everything about it is good but that it names no user.
  CHECK(forge::outcome(JwtAuthenticator(options).verify(token)) == "malformed sub");
}

TEST_CASE("no token is a missing token, everything else is invalid", "[auth]") {
  const JwtAuthenticator authenticator(forge::options());
  const auto reason = [&](std::string_view token) {
    return std::get<AuthFailure>(authenticator.authenticate(token)).reason;
  };
  CHECK(reason("") == "Missing token");
  CHECK(reason(" ") == "Invalid token");
  CHECK(reason("a.b.c") == "Invalid token");
  CHECK(reason(forge::hs256(forge::hs256_header, forge::good_payload, std::string(32, 'x'))) ==
        "Invalid token");
}

TEST_CASE("a user id is a text of 1 to 128 bytes", "[auth]") {
  const auto with = [](const std::string& sub) {
    return forge::outcome_of_claims("\"role\":\"CUSTOMER\"," + sub + forge::fresh);
  };
  CHECK(with("\"sub\":\"" + std::string(128, 'u') + "\",") == "accepted");
  CHECK(with("\"sub\":\"" + std::string(129, 'u') + "\",") == "malformed sub");
  for (const char* sub : {"", R"("sub":"",)", R"("sub":7,)", R"("sub":null,)", R"("sub":["u"],)",
                          R"("sub":{"u":1},)"}) {
    CAPTURE(sub);
    CHECK(with(sub) == "malformed sub");
  }
}

TEST_CASE("an access token has no type claim, a refresh token has that of a refresh token",
          "[auth]") {
  const auto with = [](const std::string& type, TokenKind kind) {
    return forge::outcome_of_claims(forge::customer + "," + type + forge::fresh, forge::options(),
                                    kind);
  };
  CHECK(with("", TokenKind::access) == "accepted");
  CHECK(with("", TokenKind::refresh) == "not a refresh token");
  CHECK(with(R"("type":"refresh",)", TokenKind::refresh) == "accepted");
  for (const char* type : {R"("type":"refresh",)", R"("type":"org-select",)", R"("type":"access",)",
                           R"("type":"",)", R"("type":null,)", R"("type":0,)"}) {
    CAPTURE(type);
    CHECK(with(type, TokenKind::access) == "not an access token");
  }
  for (const char* type : {R"("type":"org-select",)", R"("type":"Refresh",)", R"("type":null,)",
                           R"("type":["refresh"],)"}) {
    CAPTURE(type);
    CHECK(with(type, TokenKind::refresh) == "not a refresh token");
  }
}

TEST_CASE("a refresh token needs no role, but may have none that is unknown", "[auth]") {
  const std::string refresh = R"("sub":"u","type":"refresh",)" + forge::fresh;
  CHECK(forge::outcome_of_claims(refresh, forge::options(), TokenKind::refresh) == "accepted");
  CHECK(forge::outcome_of_claims(refresh + R"(,"role":"STAFF","organizationId":"o")",
                                 forge::options(), TokenKind::refresh) == "accepted");
  CHECK(forge::outcome_of_claims(refresh + R"(,"role":"ROOT")", forge::options(),
                                 TokenKind::refresh) == unknown_role);
}

TEST_CASE("a key is chosen by kid, and serves its own algorithm only", "[auth]") {
  const JwtAuthenticator authenticator(three_keys());
  const std::vector<std::string> algorithms = {"HS256", "RS256", "ES256"};
  for (const std::string kid : {"h", "r", "e"}) {
    for (const auto& alg : algorithms) {
      const std::string header = header_of(alg, kid);
      const std::string token = alg == "HS256"   ? forge::hs256(header, forge::good_payload)
                                : alg == "RS256" ? forge::rs256(header, forge::good_payload)
                                                 : forge::es256(header, forge::good_payload);
      const bool match = alg.front() == std::toupper(kid.front());
      CAPTURE(header);
      CHECK(forge::outcome(authenticator.verify(token)) == (match ? "accepted" : "wrong alg"));
    }
  }
}

TEST_CASE("a token of an unknown key is refused", "[auth]") {
  const std::string other(32, 'o');
  JwtOptions options = forge::options();
  options.keys = {{"new", JwtAlgorithm::hs256, forge::secret, true},
                  {"old", JwtAlgorithm::hs256, other, false}};
  const JwtAuthenticator authenticator(options);
  const auto with = [&](const std::string& kid, const std::string& key) {
    return forge::outcome(authenticator.verify(
        forge::hs256(R"({"alg":"HS256")" + kid + "}", forge::good_payload, key)));
  };
  CHECK(with(R"(,"kid":"new")", forge::secret) == "accepted");
  CHECK(with(R"(,"kid":"old")", other) == "accepted");
  CHECK(with("", forge::secret) == "accepted");
  CHECK(with("", other) == "bad signature");
  CHECK(with(R"(,"kid":"old")", forge::secret) == "bad signature");
  for (const char* kid : {R"(,"kid":"")", R"(,"kid":null)", R"(,"kid":["new"])", R"(,"kid":1)",
                          R"(,"kid":"NEW")", R"(,"kid":"new ")"}) {
    CAPTURE(kid);
    CHECK(with(kid, forge::secret) == "unknown key");
  }
}

TEST_CASE("a token without kid is refused unless a key is set aside for it", "[auth]") {
  JwtOptions options = forge::options();
  options.keys = {{"k", JwtAlgorithm::hs256, forge::secret, false}};
  CHECK(forge::outcome(forge::hs256_header, forge::good_payload, options) == "unknown key");
}

TEST_CASE("an empty kid does not reach the key without an id", "[auth]") {
  CHECK(forge::outcome(R"({"alg":"HS256","kid":""})", forge::good_payload) == "unknown key");
}

TEST_CASE("the issuer is compared when one is configured", "[auth]") {
  JwtOptions options = forge::options();
  const auto with = [&](const std::string& iss) {
    return forge::outcome_of_claims(iss + forge::customer + "," + forge::fresh, options);
  };
  CHECK(with("") == "accepted");
  CHECK(with(R"("iss":"anyone",)") == "accepted");
  options.issuer = "https://id.example";
  CHECK(with(R"("iss":"https://id.example",)") == "accepted");
  for (const char* iss : {"", R"("iss":"https://id.example/",)", R"("iss":null,)",
                          R"("iss":["https://id.example"],)", R"("iss":"",)"}) {
    CAPTURE(iss);
    CHECK(with(iss) == "wrong issuer");
  }
}

TEST_CASE("the audience may be a text or a list, and must hold ours when one is configured",
          "[auth]") {
  JwtOptions options = forge::options();
  const auto with = [&](const std::string& aud) {
    return forge::outcome_of_claims(aud + forge::customer + "," + forge::fresh, options);
  };
  CHECK(with("") == "accepted");
  for (const char* aud : {R"("aud":"other",)", R"("aud":"",)", R"("aud":["a","b"],)",
                          R"("aud":[],)", R"("aud":null,)"}) {
    CAPTURE(aud);
    CHECK(with(aud) == "wrong audience");
  }
  options.audience = "orders";
  for (const char* aud :
       {R"("aud":"orders",)", R"("aud":["orders"],)", R"("aud":["a","orders"],)"}) {
    CAPTURE(aud);
    CHECK(with(aud) == "accepted");
  }
  for (const char* aud :
       {"", R"("aud":"order",)", R"("aud":[],)", R"("aud":["a","b"],)", R"("aud":[["orders"]],)",
        R"("aud":{"orders":1},)", R"("aud":null,)", R"("aud":["orders",1],)"}) {
    CAPTURE(aud);
    CHECK(with(aud) == "wrong audience");
  }
}

TEST_CASE("a clock that throws ends in a refusal", "[auth]") {
  JwtOptions options = forge::options();
  options.now = []() -> std::chrono::system_clock::time_point { throw std::runtime_error("no"); };
  CHECK(forge::outcome(forge::hs256_header, forge::good_payload, options) == "internal error");
}

TEST_CASE("a JwtAuthenticator is an Authenticator of Services", "[auth]") {
  const Services<JwtAuthenticator> services{JwtAuthenticator(forge::options())};
  const auto token = forge::hs256(forge::hs256_header, forge::good_payload);
  CHECK(identity_of(services.authenticator.authenticate(token)).reach == Reach::own);
}

TEST_CASE("a copy of an authenticator serves on its own", "[auth]") {
  const auto token = forge::hs256(forge::hs256_header, forge::good_payload);
  const JwtAuthenticator copy = [] {
    const JwtAuthenticator original(forge::options());
    return JwtAuthenticator(original);
  }();
  CHECK(identity_of(copy.authenticate(token)).user_id == "u-1");
}

TEST_CASE("one authenticator serves many threads at once", "[auth]") {
  const JwtAuthenticator authenticator(three_keys());
  const std::vector<std::string> good = {
      forge::hs256(R"({"alg":"HS256","kid":"h"})", forge::good_payload),
      forge::rs256(R"({"alg":"RS256","kid":"r"})", forge::good_payload),
      forge::es256(R"({"alg":"ES256","kid":"e"})", forge::good_payload)};
  std::vector<std::string> bad = good;
  for (auto& token : bad) token[token.size() - 10] ^= 1;

  std::atomic<int> wrong{0};
  std::vector<std::thread> threads(4);
  for (auto& thread : threads) {
    thread = std::thread([&] {
      for (int round = 0; round < 50; ++round) {
        for (const auto& token : good) wrong += authenticator.authenticate(token).index() != 0;
        for (const auto& token : bad) wrong += authenticator.authenticate(token).index() != 1;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}
