// SPDX-License-Identifier: MIT
// Random changes to good tokens, from fixed seeds, so that a failure can be repeated.
#include "support/token_forge.hpp"
#include <ordercast/auth/jwt_authenticator.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::test;  // NOLINT(google-build-using-namespace)

namespace {

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }

  /// One to four random edits of `text`, some of them with parts of `donor`.
  std::string mutate(std::string text, std::string_view donor) {
    for (std::size_t edits = 1 + below(4); edits > 0; --edits) edit(text, donor);
    return text;
  }

 private:
  void edit(std::string& text, std::string_view donor) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t count = below(8);
    switch (below(7)) {
      case 0:
        text.insert(at, 1, byte());
        break;
      case 1:
        text.erase(at, count);
        break;
      case 2:
        text.insert(at, text.substr(at, count));
        break;
      case 3:
        text.insert(at, donor.substr(below(donor.size()), count));
        break;
      case 4:
        text.resize(at);
        break;
      case 5:
        if (at < text.size()) text[at] = byte();
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
    }
  }

  char byte() {
    constexpr std::string_view telling = "{}[]\",:.\\u0019eE+-_=AZaz \n";
    return below(2) == 0 ? telling[below(telling.size())]
                         : static_cast<char>(static_cast<unsigned char>(below(256)));
  }

  std::mt19937 random_;
};

JwtOptions three_keys() {
  JwtOptions options = forge::options();
  options.keys = {{"h", JwtAlgorithm::hs256, forge::secret, true},
                  {"r", JwtAlgorithm::rs256, forge::rsa_key().public_pem(), false},
                  {"e", JwtAlgorithm::es256, forge::ec_key().public_pem(), false}};
  return options;
}

}  // namespace

TEST_CASE("no change to a signed token is accepted", "[auth][mutation]") {
  const JwtAuthenticator authenticator(three_keys());
  const std::vector<std::string> good = {
      forge::hs256(R"({"alg":"HS256","kid":"h"})", forge::good_payload),
      forge::rs256(R"({"alg":"RS256","kid":"r"})", forge::good_payload),
      forge::es256(R"({"alg":"ES256","kid":"e"})", forge::good_payload)};
  Mutator mutator(1);
  for (int round = 0; round < 30'000; ++round) {
    const auto& token = good[mutator.below(good.size())];
    const auto changed = mutator.mutate(token, good[mutator.below(good.size())]);
    const bool accepted = std::holds_alternative<Identity>(authenticator.authenticate(changed));
    if (accepted != (changed == token)) {
      CAPTURE(round, changed);
      FAIL("a changed token was accepted");
    }
  }
}

TEST_CASE("whatever a key's owner signs is refused or a lawful identity", "[auth][mutation]") {
  const JwtAuthenticator authenticator(three_keys());
  const std::string header = R"({"alg":"HS256","typ":"at+jwt","kid":"h","x":[{"a":1}]})";
  const std::string payload =
      R"({"sub":"u-1","role":"STAFF","organizationId":"org-1","email":"a@b.c","sid":"s",)"
      R"("iat":1700000000,"nbf":1700000000,"exp":1700000900,"x":{"y":[1,2.5,null,"\u00e9"]}})";
  REQUIRE(
      std::holds_alternative<Identity>(authenticator.authenticate(forge::hs256(header, payload))));
  Mutator mutator(2);
  int accepted = 0;
  for (int round = 0; round < 30'000; ++round) {
    const bool in_header = mutator.below(3) == 0;
    const auto changed_header = in_header ? mutator.mutate(header, payload) : header;
    const auto changed_payload = in_header ? payload : mutator.mutate(payload, header);
    const auto result = authenticator.authenticate(forge::hs256(changed_header, changed_payload));
    const auto* who = std::get_if<Identity>(&result);
    if (who == nullptr) continue;
    ++accepted;
    const bool lawful = !who->user_id.empty() && who->user_id.size() <= 128 &&
                        who->user_id.find('\0') == std::string::npos &&
                        who->organization_id.empty() != (who->reach == Reach::organization);
    if (!lawful) {
      CAPTURE(round, changed_header, changed_payload);
      FAIL("an unlawful identity was accepted");
    }
  }
  CHECK(accepted > 100);  // the changes are small enough to reach the last checks
}
