// SPDX-License-Identifier: MIT
#include "support/token_forge.hpp"
#include <ordercast/auth/jwt_authenticator.hpp>

#include <catch2/catch.hpp>
#include <openssl/err.h>
#include <openssl/ui.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::test;  // NOLINT(google-build-using-namespace)

namespace {

/// Why these options are refused, or "accepted".
std::string construct(const JwtOptions& options) {
  try {
    const JwtAuthenticator authenticator(options);
    return "accepted";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

std::string construct(std::vector<JwtKey> keys) {
  JwtOptions options = forge::options();
  options.keys = std::move(keys);
  return construct(options);
}

std::string one_key(JwtAlgorithm algorithm, const std::string& material) {
  return construct({{"k", algorithm, material, false}});
}

const std::string encrypted_pem =
    "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\n"
    "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n";

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an HMAC secret is at least 32 bytes unless short ones are allowed", "[auth]") {
  CHECK(one_key(JwtAlgorithm::hs256, std::string(32, 's')) == "accepted");
  CHECK(one_key(JwtAlgorithm::hs256, std::string(32, '\0')) == "accepted");
  CHECK(holds(one_key(JwtAlgorithm::hs256, std::string(31, 's')), "shorter than 32 bytes"));

  JwtOptions options = forge::options();
  options.allow_short_secret = true;
  options.keys.front().material = "s";
  CHECK(construct(options) == "accepted");
  CHECK(forge::outcome(JwtAuthenticator(options).verify(
            forge::hs256(forge::hs256_header, forge::good_payload, "s"))) == "accepted");
  options.keys.front().material = "";
  CHECK(holds(construct(options), "the secret is empty"));
}

TEST_CASE("a PEM file is refused as an HMAC secret", "[auth]") {
  CHECK(holds(one_key(JwtAlgorithm::hs256, forge::rsa_key().public_pem()), "PEM"));
  CHECK(holds(one_key(JwtAlgorithm::hs256, "\n" + forge::ec_key().public_pem()), "PEM"));
}

TEST_CASE("a public key is of its algorithm's kind and size", "[auth]") {
  CHECK(one_key(JwtAlgorithm::rs256, forge::rsa_key().public_pem()) == "accepted");
  CHECK(one_key(JwtAlgorithm::es256, forge::ec_key().public_pem()) == "accepted");

  const auto weak = forge::KeyPair::rsa(1024).public_pem();
  CHECK(holds(one_key(JwtAlgorithm::rs256, weak), "2048 bits"));
  for (const auto& other : {forge::ec_key(), forge::KeyPair::rsa_pss()}) {
    CHECK(one_key(JwtAlgorithm::rs256, other.public_pem()) ==
          "jwt key 'k': RS256 needs an RSA key");
  }
  for (const auto& other : {forge::rsa_key(), forge::KeyPair::ec("P-384"),
                            forge::KeyPair::ec("secp256k1"), forge::KeyPair::ed25519()}) {
    CHECK(holds(one_key(JwtAlgorithm::es256, other.public_pem()), "P-256"));
  }
}

TEST_CASE("an RSA key with which everyone can sign is refused", "[auth]") {
  // 2048 bits, but the exponent is 1: the signature is the padded hash itself.
  const std::string pem =
      "-----BEGIN PUBLIC KEY-----\n"
      "MIIBIDANBgkqhkiG9w0BAQEFAAOCAQ0AMIIBCAKCAQEAp4uulPQzymrSq9h0hn8i\n"
      "F3WF9SkNT76uJysye4TmWEf2/riroD3YXiec7LjOP5N8QrtQOr/RMZLZ6p+fFK0n\n"
      "DY2Dh5vdzepQc2gAncPPl9RcNIwmTZ3Od9k7q1COA7gcj8a4Vfgg2lM7BEtnyELq\n"
      "YWdIxvZ3/2ka937DtCZ6+LyMTrrBNN1sO+zZ26ITdgibdN7eVsuPAl8WEdLXoEj6\n"
      "G2PTqHmDaZ1hzNhehFwcSlEkBTjcoMgzay2qSmLhDZ/qlE8pAx4ogkZzEHYSwDtD\n"
      "NklP9MVjyPwLZ33jQDQx/Si5MxFesIg88pcmqHYrJNctQvQTIX0hEiECjOJBifDC\n"
      "swIBAQ==\n"
      "-----END PUBLIC KEY-----\n";
  CHECK(holds(one_key(JwtAlgorithm::rs256, pem), "not sound"));
}

TEST_CASE("what is no PEM public key is refused, and no message repeats it", "[auth]") {
  auto broken = forge::rsa_key().public_pem();
  // The first byte of the DER: a change further in may hit the modulus and make just another key.
  broken[broken.find('\n') + 1] = 'A';
  auto cut = forge::rsa_key().public_pem();
  cut.resize(cut.size() / 2);
  ERR_clear_error();
  for (const auto& material : {std::string(), std::string("secret7-secret7-secret7-secret7"), cut,
                               forge::rsa_key().private_pem(), encrypted_pem}) {
    for (const auto algorithm : {JwtAlgorithm::rs256, JwtAlgorithm::es256}) {
      CHECK(one_key(algorithm, material) == "jwt key 'k': the key is not a PEM public key");
    }
  }
  CHECK(holds(one_key(JwtAlgorithm::rs256, broken + "secret7"), "jwt key 'k': "));
  CHECK_FALSE(holds(one_key(JwtAlgorithm::hs256, "secret7"), "secret7"));
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("an encrypted PEM does not make the server ask for a password", "[auth]") {
  static bool asked = false;
  const std::unique_ptr<UI_METHOD, decltype(&UI_destroy_method)> console(UI_create_method("test"),
                                                                         &UI_destroy_method);
  UI_method_set_opener(console.get(), [](UI*) {
    asked = true;
    return 0;
  });
  const UI_METHOD* original = UI_get_default_method();
  UI_set_default_method(console.get());
  const auto result = one_key(JwtAlgorithm::rs256, encrypted_pem);
  UI_set_default_method(original);
  CHECK(holds(result, "not a PEM public key"));
  CHECK_FALSE(asked);
}

TEST_CASE("keys have ids of their own, and at most one is for tokens without kid", "[auth]") {
  const auto key = [](const std::string& id, bool without_kid) {
    return JwtKey{id, JwtAlgorithm::hs256, forge::secret, without_kid};
  };
  CHECK(construct(std::vector<JwtKey>{}) == "jwt: there is no key");
  CHECK(construct({key("a", true), key("b", false)}) == "accepted");
  CHECK(construct({key("", true), key("b", false)}) == "accepted");
  CHECK(holds(construct({key("a", false), key("a", false)}), "used twice"));
  CHECK(holds(construct({key("a", true), key("b", true)}), "without kid"));
  CHECK(holds(construct({key("", false)}), "no token could choose it"));
}

TEST_CASE("options out of range are refused", "[auth]") {
  const auto with = [](auto change) {
    JwtOptions options = forge::options();
    change(options);
    return construct(options);
  };
  using std::chrono::hours;
  using std::chrono::seconds;
  CHECK(with([](JwtOptions& o) { o.expiry_leeway = hours(1); }) == "accepted");
  CHECK(with([](JwtOptions& o) { o.clock_skew = hours(1); }) == "accepted");
  for (const auto value : {seconds(-1), seconds(3601), seconds::max(), seconds::min()}) {
    CHECK(holds(with([&](JwtOptions& o) { o.expiry_leeway = value; }), "leeway"));
    CHECK(holds(with([&](JwtOptions& o) { o.clock_skew = value; }), "leeway"));
  }
  CHECK(with([](JwtOptions& o) { o.max_token_bytes = 65'536; }) == "accepted");
  CHECK(holds(with([](JwtOptions& o) { o.max_token_bytes = 0; }), "max_token_bytes"));
  CHECK(holds(with([](JwtOptions& o) { o.max_token_bytes = 65'537; }), "max_token_bytes"));
  CHECK(holds(with([](JwtOptions& o) { o.now = nullptr; }), "clock"));
}

TEST_CASE("the clock is the system's unless another is given", "[auth]") {
  JwtOptions options;
  options.keys = forge::options().keys;
  options.roles = forge::roles();
  CHECK(forge::outcome(forge::hs256_header, forge::good_payload, options) == "expired");
  CHECK(forge::outcome_of_claims(forge::customer + R"(,"exp":253402300799)", options) ==
        "accepted");
}
