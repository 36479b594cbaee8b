// SPDX-License-Identifier: MIT
// Every hole of cpp-jwt's decoder, and the classic attacks, as tokens that must be refused. Where a
// hole lies behind the signature, the token is well signed: the guard alone can refuse it.
#include "support/token_forge.hpp"
#include <ordercast/auth/jwt_authenticator.hpp>

#include <catch2/catch.hpp>
#include <openssl/err.h>

#include <string>
#include <vector>

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::test;  // NOLINT(google-build-using-namespace)

namespace {

std::string verify(const std::string& token, const JwtOptions& options = forge::options()) {
  return forge::outcome(JwtAuthenticator(options).verify(token));
}

std::string good_token() {
  return forge::hs256(forge::hs256_header, forge::good_payload);
}

std::string with_header(const std::string& header) {
  return forge::outcome(header, forge::good_payload);
}

std::string with_payload(const std::string& payload) {
  return forge::outcome(forge::hs256_header, payload);
}

/// A good payload with one more claim.
std::string with_claim(const std::string& claim) {
  return with_payload(forge::with_times(forge::customer + "," + claim, forge::fresh));
}

JwtOptions rs256_only() {
  JwtOptions options = forge::options();
  options.keys = {{"", JwtAlgorithm::rs256, forge::rsa_key().public_pem(), true}};
  return options;
}

JwtOptions es256_only() {
  JwtOptions options = forge::options();
  options.keys = {{"", JwtAlgorithm::es256, forge::ec_key().public_pem(), true}};
  return options;
}

}  // namespace

TEST_CASE("the tokens that the hostile ones are made from are good", "[auth][hostile]") {
  REQUIRE(verify(good_token()) == "accepted");
  REQUIRE(with_header(R"({"alg":"HS256"})") == "accepted");
  REQUIRE(with_payload(forge::with_times(forge::customer, forge::fresh)) == "accepted");
}

TEST_CASE("a token of 4,096 bytes is read, a longer one is not", "[auth][hostile]") {
  const auto padded = [](std::size_t padding) {
    return forge::hs256(forge::hs256_header, forge::with_times(forge::customer + R"(,"pad":")" +
                                                                   std::string(padding, 'p') + "\"",
                                                               forge::fresh));
  };
  std::size_t padding = 2800;
  while (padded(padding + 1).size() <= 4096) ++padding;
  CHECK(verify(padded(padding)) == "accepted");
  CHECK(verify(padded(padding + 1)) == "token too long");
  CHECK(verify(std::string(8'000'000, 'a')) == "token too long");

  JwtOptions options = forge::options();
  options.max_token_bytes = good_token().size();
  CHECK(verify(good_token(), options) == "accepted");
  options.max_token_bytes -= 1;
  CHECK(verify(good_token(), options) == "token too long");
}

TEST_CASE("a token has exactly three parts, none of them empty", "[auth][hostile]") {
  const std::string token = good_token();
  const auto dot = token.rfind('.');
  for (const std::string& evil :
       {std::string("a"), std::string("."), std::string(".."), std::string("..."),
        token.substr(0, dot), token.substr(0, dot + 1), token + ".", token + ".x", "." + token,
        token.substr(token.find('.')), token + "..", "a.b.c.d.e" + token}) {
    CAPTURE(evil);
    CHECK(verify(evil) == "not three parts");
  }
}

TEST_CASE("each part is strict base64url: no padding, no junk, no second spelling",
          "[auth][hostile]") {
  // Junk in header or payload would need a signature over it to get anywhere: give it one.
  const auto resigned = [](const std::string& header, const std::string& payload) {
    const std::string input = header + "." + payload;
    return verify(forge::attach(input, ordercast::test::hmac_sha256(forge::secret, input)));
  };
  const auto header = ordercast::test::base64url(forge::hs256_header);
  const auto payload = ordercast::test::base64url(forge::good_payload);
  REQUIRE(resigned(header, payload) == "accepted");
  for (const std::string& junk :
       {std::string("="), std::string("=="), std::string("!"), std::string(" "), std::string("\n"),
        std::string("\x80"), std::string("\xFF\xFE"), std::string("\0", 1), std::string("+/"),
        std::string("A")}) {
    CAPTURE(junk);
    CHECK(resigned(header + junk, payload) == "malformed header");
    CHECK(resigned(junk + header, payload) == "malformed header");
    CHECK(resigned(header, payload + junk) == "malformed payload");
    CHECK(resigned(header, junk + payload) == "malformed payload");
    CHECK(verify(good_token() + junk) != "accepted");
  }
  CHECK(verify(good_token() + "=") == "malformed signature");
}

TEST_CASE("a signature has one spelling", "[auth][hostile]") {
  std::string token = good_token();
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // 32 bytes leave two bits of the last character unused; a lax decoder ignores them.
  const auto value = digits.find(token.back());
  REQUIRE(value % 4 == 0);
  token.back() = digits[value + 1];
  CHECK(verify(token) == "malformed signature");
}

TEST_CASE("bytes beyond ASCII and NUL in an unsigned token do no harm", "[auth][hostile]") {
  std::string token = good_token();
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (const char evil : {'\x80', '\xFF', '\0', '\x7F'}) {
      std::string changed = token;
      changed[i] = evil;
      REQUIRE(verify(changed) != "accepted");
    }
  }
}

TEST_CASE("header and payload are JSON objects", "[auth][hostile]") {
  for (const char* text :
       {"", "null", "[]", "1", "true", "\"HS256\"", "{", "{}x", "{}{}", "[{}]", "HS256"}) {
    CAPTURE(text);
    const auto header = with_header(text);
    CHECK((header == "malformed header" || header == "not three parts"));
    const auto payload = with_payload(text);
    CHECK((payload == "malformed payload" || payload == "not three parts"));
  }
}

TEST_CASE("header and payload are valid UTF-8", "[auth][hostile]") {
  for (const std::string bytes : {"\x80", "\xC0\xAF", "\xED\xA0\x80", "\xFF"}) {
    CHECK(with_header(R"({"alg":"HS256","x":")" + bytes + "\"}") == "malformed header");
    CHECK(with_claim(R"("x":")" + bytes + "\"") == "malformed payload");
  }
}

TEST_CASE("deep nesting is refused, not descended into", "[auth][hostile]") {
  const std::string deep(2000, '[');
  CHECK(with_header(R"({"alg":"HS256","x":)" + deep) == "malformed header");
  const auto balanced = [](std::size_t depth) {
    return R"("x":)" + std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(with_header("{" + balanced(7) + R"(,"alg":"HS256"})") == "accepted");
  CHECK(with_header("{" + balanced(8) + R"(,"alg":"HS256"})") == "malformed header");
  CHECK(with_payload(forge::with_times(forge::customer + "," + balanced(7), forge::fresh)) ==
        "accepted");
  CHECK(with_payload(forge::with_times(forge::customer + "," + balanced(8), forge::fresh)) ==
        "malformed payload");
  JwtOptions options = forge::options();
  options.max_token_bytes = 65'536;
  CHECK(verify(ordercast::test::base64url(R"({"alg":"HS256","x":)" + std::string(45'000, '[')) +
                   ".e30.AA",
               options) == "malformed header");
}

TEST_CASE("a claim that occurs twice is refused, in header and payload and at any depth",
          "[auth][hostile]") {
  CHECK(with_header(R"({"alg":"none","alg":"HS256"})") == "malformed header");
  CHECK(with_header(R"({"alg":"HS256","alg":"HS256"})") == "malformed header");
  CHECK(with_header(R"({"alg":"HS256","x":{"a":1,"a":1}})") == "malformed header");
  for (const char* twice : {R"("sub":"u-2")", R"("role":"SUPER_ADMIN")", R"("exp":1)",
                            R"("\u0073ub":"u-2")", R"("x":[{"a":1,"a":1}])"}) {
    CAPTURE(twice);
    CHECK(with_claim(twice) == "malformed payload");
  }
}

TEST_CASE("NUL is refused in names, in values, and after the JSON", "[auth][hostile]") {
  CHECK(with_header(R"({"alg":"HS256","\u0000":1})") == "malformed header");
  CHECK(with_header(R"({"alg":"HS256\u0000"})") == "malformed header");
  CHECK(with_header(R"({"alg":"HS256"})" + std::string(1, '\0')) == "malformed header");
  CHECK(with_payload(R"({"sub\u0000x":"a","sub":"u","role":"CUSTOMER",)" + forge::fresh + "}") ==
        "malformed payload");
  CHECK(with_payload(R"({"sub":"u-1\u0000","role":"CUSTOMER",)" + forge::fresh + "}") ==
        "malformed payload");
  CHECK(with_payload(forge::good_payload + std::string(1, '\0') + "junk") == "malformed payload");
}

TEST_CASE("alg and typ are texts", "[auth][hostile]") {
  for (const char* value : {"1", "null", "[\"HS256\"]", "{\"HS256\":1}", "true", "1.5"}) {
    CAPTURE(value);
    CHECK(with_header("{\"alg\":" + std::string(value) + "}") == "no alg");
    CHECK(with_header(R"({"alg":"HS256","typ":)" + std::string(value) + "}") == "wrong typ");
  }
  CHECK(with_header("{}") == "no alg");
}

TEST_CASE("alg is exactly the key's own", "[auth][hostile]") {
  for (const char* alg :
       {"hs256", "Hs256", "HS256 ", " HS256", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA",
        "none", "None", "NONE", "nOnE", "UNKN", "TERM", "", "HS2567", "HS25"}) {
    CAPTURE(alg);
    CHECK(with_header(R"({"alg":")" + std::string(alg) + "\"}") == "wrong alg");
  }
}

TEST_CASE("an unsigned token is refused whatever its signature part holds", "[auth][hostile]") {
  const auto input = forge::signed_input(R"({"alg":"none"})", forge::good_payload);
  CHECK(verify(input + ".") == "not three parts");
  CHECK(verify(input + ".AA") == "wrong alg");
  CHECK(verify(input + ".AA", rs256_only()) == "wrong alg");
}

TEST_CASE("a public key is no HMAC secret: algorithm confusion fails", "[auth][hostile]") {
  const auto rsa_pem = forge::rsa_key().public_pem();
  const auto ec_pem = forge::ec_key().public_pem();
  CHECK(verify(forge::hs256(forge::hs256_header, forge::good_payload, rsa_pem), rs256_only()) ==
        "wrong alg");
  CHECK(verify(forge::hs256(forge::hs256_header, forge::good_payload, ec_pem), es256_only()) ==
        "wrong alg");
  // Even when the header claims the key's own algorithm.
  CHECK(verify(forge::hs256(R"({"alg":"RS256"})", forge::good_payload, rsa_pem), rs256_only()) ==
        "bad signature");
}

TEST_CASE("a key that comes in the token is not used", "[auth][hostile]") {
  const auto header = R"({"alg":"HS256","jwk":{"kty":"oct","k":")" +
                      ordercast::test::base64url(std::string(32, 'e')) +
                      R"("},"jku":"https://evil.example"})";
  CHECK(verify(forge::hs256(header, forge::good_payload, std::string(32, 'e'))) == "bad signature");
}

TEST_CASE("crit is refused, whatever it lists", "[auth][hostile]") {
  for (const char* crit : {R"(["exp"])", "[]", R"(["b64"],"b64":false)", "null", R"("exp")"}) {
    CAPTURE(crit);
    CHECK(with_header(R"({"alg":"HS256","crit":)" + std::string(crit) + "}") == "crit");
  }
}

TEST_CASE("typ is that of a JWT or an access token, in any case, or absent", "[auth][hostile]") {
  for (const char* typ : {"JWT", "jwt", "Jwt", "at+jwt", "AT+JWT", "application/at+jwt",
                          "application/JWT", "APPLICATION/jwt"}) {
    CAPTURE(typ);
    CHECK(with_header(R"({"alg":"HS256","typ":")" + std::string(typ) + "\"}") == "accepted");
  }
  for (const char* typ : {"", "JWS", "JOSE", "none", "dpop+jwt", "logout+jwt", "jwt ", "x/jwt",
                          "application/", "application/application/jwt"}) {
    CAPTURE(typ);
    CHECK(with_header(R"({"alg":"HS256","typ":")" + std::string(typ) + "\"}") == "wrong typ");
  }
}

TEST_CASE("a signature covers header and payload", "[auth][hostile]") {
  const std::string token = good_token();
  const auto signature = token.substr(token.rfind('.'));
  const auto richer = forge::with_times(R"("sub":"u-1","role":"SUPER_ADMIN")", forge::fresh);
  CHECK(verify(forge::signed_input(forge::hs256_header, richer) + signature) == "bad signature");
  CHECK(verify(forge::signed_input(R"({"alg":"HS256"})", forge::good_payload) + signature) ==
        "bad signature");
}

TEST_CASE("a part of a signature is not enough, nor is more than one", "[auth][hostile]") {
  const auto input = forge::signed_input(forge::hs256_header, forge::good_payload);
  const auto mac = ordercast::test::hmac_sha256(forge::secret, input);
  for (std::size_t size = 1; size < mac.size(); ++size) {
    REQUIRE(verify(forge::attach(input, mac.substr(0, size))) == "bad signature");
  }
  CHECK(verify(forge::attach(input, mac + "x")) == "bad signature");
  CHECK(verify(forge::attach(input, mac + mac)) == "bad signature");

  const auto rs_input = forge::signed_input(R"({"alg":"RS256"})", forge::good_payload);
  const auto rs = forge::rsa_key().sign(rs_input);
  REQUIRE(verify(forge::attach(rs_input, rs), rs256_only()) == "accepted");
  for (const auto& evil : {rs.substr(1), rs.substr(0, rs.size() - 1), rs + "x",
                           std::string(rs.size(), '\0'), std::string(rs.size(), '\xFF')}) {
    CHECK(verify(forge::attach(rs_input, evil), rs256_only()) == "bad signature");
  }
}

TEST_CASE("an ES256 signature is r and s as 32 bytes each, and no DER", "[auth][hostile]") {
  const auto input = forge::signed_input(R"({"alg":"ES256"})", forge::good_payload);
  const auto raw = forge::ec_key().sign_raw(input);
  REQUIRE(verify(forge::attach(input, raw), es256_only()) == "accepted");
  for (const auto& evil :
       {forge::ec_key().sign(input), raw.substr(0, 63), raw + "x", raw + raw, std::string(64, '\0'),
        std::string(32, '\0') + raw.substr(32), raw.substr(0, 32) + std::string(32, '\0'),
        std::string(64, '\xFF'), raw.substr(32) + raw.substr(0, 32)}) {
    CHECK(verify(forge::attach(input, evil), es256_only()) == "bad signature");
  }
}

TEST_CASE("an ES256 signature with leading zeros is good", "[auth][hostile]") {
  // One in 128 has one; sign until it comes.
  const JwtAuthenticator authenticator(es256_only());
  const auto input = forge::signed_input(R"({"alg":"ES256"})", forge::good_payload);
  std::string raw;
  do {
    raw = forge::ec_key().sign_raw(input);
  } while (raw[0] != '\0' && raw[32] != '\0');
  CHECK(forge::outcome(authenticator.verify(forge::attach(input, raw))) == "accepted");
}

TEST_CASE("a refused signature leaves the thread's OpenSSL errors as they were",
          "[auth][hostile]") {
  ERR_clear_error();
  const auto rs_input = forge::signed_input(R"({"alg":"RS256"})", forge::good_payload);
  const auto es_input = forge::signed_input(R"({"alg":"ES256"})", forge::good_payload);
  CHECK(verify(forge::attach(rs_input, "short"), rs256_only()) == "bad signature");
  CHECK(verify(forge::attach(es_input, std::string(64, '\0')), es256_only()) == "bad signature");
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("no refusal holds any part of the token", "[auth][hostile]") {
  const std::string marker = "marker7";
  const auto check = [&](const std::string& token, const JwtOptions& options = forge::options()) {
    const auto result = JwtAuthenticator(options).authenticate(token);
    const auto* failure = std::get_if<AuthFailure>(&result);
    REQUIRE(failure != nullptr);
    CHECK(failure->reason.find(marker) == std::string_view::npos);
    CHECK(failure->detail.find(marker) == std::string::npos);
  };
  check(marker);
  check(forge::hs256("{\"alg\":\"" + marker + "\"}", forge::good_payload));
  check(forge::hs256("{\"alg\":\"HS256\",\"kid\":\"" + marker + "\"}", forge::good_payload));
  check(forge::hs256(forge::hs256_header, marker));
  check(forge::hs256(forge::hs256_header,
                     forge::with_times(R"("sub":"u","role":")" + marker + "\"", forge::fresh)));
}
