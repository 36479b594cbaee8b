// SPDX-License-Identifier: MIT
// Tokens: arbitrary bytes, edits of tokens that were signed well, and whatever a key's owner signs.
#include "fuzz/fuzz.hpp"
#include "support/token_forge.hpp"
#include <ordercast/auth/jwt_authenticator.hpp>
#include <ordercast/detail/utf8.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace {

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::fuzz;  // NOLINT(google-build-using-namespace)
using nlohmann::json;
namespace forge = ordercast::test::forge;

struct Fixture {
  JwtAuthenticator authenticator = [] {
    JwtOptions options = forge::options();
    options.keys = {{"h", JwtAlgorithm::hs256, forge::secret, true},
                    {"r", JwtAlgorithm::rs256, forge::rsa_key().public_pem(), false},
                    {"e", JwtAlgorithm::es256, forge::ec_key().public_pem(), false}};
    return JwtAuthenticator(std::move(options));
  }();
  std::vector<std::string> good = {
      forge::hs256(forge::hs256_header, forge::good_payload),
      forge::hs256(R"({"alg":"HS256","kid":"h"})", forge::good_payload),
      forge::rs256(R"({"alg":"RS256","kid":"r"})", forge::good_payload),
      forge::es256(R"({"alg":"ES256","kid":"e"})", forge::good_payload)};

  static const Fixture& get() {
    static const Fixture fixture;
    return fixture;
  }
  [[nodiscard]] bool is_good(std::string_view token) const {
    return std::find(good.begin(), good.end(), token) != good.end();
  }
};

/// Nobody but the holder of a key makes a token that is accepted.
void check_unsigned(std::string_view token) {
  const auto& fixture = Fixture::get();
  const auto result = fixture.authenticator.authenticate(token);
  require(std::holds_alternative<Identity>(result) == fixture.is_good(token),
          "a token is accepted only if it was signed");
  if (const auto* failure = std::get_if<AuthFailure>(&result)) {
    require(failure->reason == (token.empty() ? "Missing token" : "Invalid token"), "the reason");
  }
  const auto refresh = fixture.authenticator.verify(token, TokenKind::refresh);
  require(std::holds_alternative<AuthFailure>(refresh), "an access token is no refresh token");
}

void check_edited(Choices& choices) {
  const auto& good = Fixture::get().good;
  std::string token = good[choices.below(static_cast<unsigned>(good.size()))];
  while (!choices.empty()) {
    const auto at = std::min<std::size_t>(choices.word() % 1024, token.size());
    switch (choices.below(6)) {
      case 0:
        token.insert(at, choices.text());
        break;
      case 1:
        token.erase(at, choices.byte());
        break;
      case 2:
        token.insert(at, token.substr(at, choices.byte()));
        break;
      case 3:
        token.insert(at, good[choices.below(static_cast<unsigned>(good.size()))].substr(
                             0, choices.word() % 1024));
        break;
      case 4:
        token.resize(at);
        break;
      default:
        if (at < token.size()) token[at] = static_cast<char>(choices.byte());
    }
    token.resize(std::min<std::size_t>(token.size(), 8192));
    check_unsigned(token);
  }
}

/// The key's owner may sign nonsense, and must not get an identity that no server would give.
void check_signed(Choices& choices) {
  const auto in_header = choices.text();
  const std::string header =
      in_header.empty() ? forge::hs256_header : R"({"alg":"HS256")" + std::string(in_header) + "}";
  const std::string payload(choices.rest());
  const auto token = forge::hs256(header, payload);
  const auto& authenticator = Fixture::get().authenticator;
  const auto result = authenticator.authenticate(token);
  const auto* who = std::get_if<Identity>(&result);
  if (who == nullptr) return;
  require(token.size() <= default_max_token_bytes, "a token is bounded");
  const auto claims = json::parse(payload, nullptr, false);
  require(claims.is_object(), "the claims are one object");
  require(json::parse(header, nullptr, false).count("crit") == 0, "crit is refused");
  require(claims.count("type") == 0, "what has a type is no access token");
  require(claims.value("sub", "") == who->user_id, "the user is the one who was signed");
  require(!who->user_id.empty() && who->user_id.size() <= 128, "a user id has its bounds");
  require(who->user_id.find('\0') == std::string::npos, "an id holds no NUL");
  require(detail::is_utf8(who->user_id), "an id is UTF-8");
  const auto roles = forge::roles();
  require(std::any_of(roles.begin(), roles.end(),
                      [&](const JwtRole& role) {
                        return role.name == claims.value("role", "") && role.reach == who->reach;
                      }),
          "the reach is that of the role that was signed");
  require(who->organization_id.empty() != (who->reach == Reach::organization),
          "the reach of an organization has one, and no other does");
  // NumericDates may have a fraction (RFC 7519 section 2). `iat` is information: none is too late.
  const auto exp = claims.find("exp");
  require(exp != claims.end() && exp->is_number() && exp->get<double>() > forge::now,
          "it has not expired");
  const auto nbf = claims.find("nbf");
  require(nbf == claims.end() || (nbf->is_number() && nbf->get<double>() <= forge::now + 60),
          "it is valid already");
  const auto iat = claims.find("iat");
  require(iat == claims.end() || (iat->is_number() && iat->get<double>() >= 0), "iat is a date");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  switch (choices.below(3)) {
    case 0:
      check_unsigned(choices.rest());
      break;
    case 1:
      check_edited(choices);
      break;
    default:
      check_signed(choices);
  }
  return 0;
}
