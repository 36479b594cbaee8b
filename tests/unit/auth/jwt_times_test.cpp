// SPDX-License-Identifier: MIT
#include "support/token_forge.hpp"
#include <ordercast/auth/jwt_authenticator.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <string>

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::test;  // NOLINT(google-build-using-namespace)

namespace {

/// A payload with these time claims, all else good.
std::string with_times(const std::string& times, const JwtOptions& options = forge::options()) {
  return forge::outcome(forge::hs256_header, forge::with_times(forge::customer, times), options);
}

std::string second(std::int64_t offset) {
  return std::to_string(forge::now + offset);
}

}  // namespace

TEST_CASE("a token without exp never starts to be good", "[auth][hostile]") {
  CHECK(with_times("") == "no exp");
  CHECK(with_times(R"("iat":1700000000)") == "no exp");
  CHECK(with_times(R"("Exp":1700000900)") == "no exp");
}

TEST_CASE("a token ends with the second of its exp", "[auth][hostile]") {
  CHECK(with_times("\"exp\":" + second(1)) == "accepted");
  CHECK(with_times("\"exp\":" + second(0)) == "expired");
  CHECK(with_times("\"exp\":" + second(-1)) == "expired");
  CHECK(with_times("\"exp\":0") == "expired");

  JwtOptions options = forge::options();
  options.now = [] { return forge::at(forge::now) + std::chrono::milliseconds(999); };
  CHECK(with_times("\"exp\":" + second(1), options) == "accepted");
  options.now = [] { return forge::at(forge::now + 1); };
  CHECK(with_times("\"exp\":" + second(1), options) == "expired");
}

TEST_CASE("the leeway after exp is what was configured", "[auth][hostile]") {
  JwtOptions options = forge::options();
  options.expiry_leeway = std::chrono::seconds(5);
  CHECK(with_times("\"exp\":" + second(-4), options) == "accepted");
  CHECK(with_times("\"exp\":" + second(-5), options) == "expired");
}

TEST_CASE("a time that is no number of our era is refused", "[auth][hostile]") {
  for (const char* value :
       {"-1", "-9223372036854775808", "-9223372036854775809", "-0.5", "-1.7e9", "1e300",
        "253402300799.5", "9223372036854775807", "9223372036854775808", "18446744073709551615",
        "18446744073709551616", "253402300800", "1700000900000", "\"1700000900\"", "null", "true",
        "[1700000900]", "{}", "-0.0"}) {
    CAPTURE(value);
    CHECK(with_times("\"exp\":" + std::string(value)) == "malformed exp");
    CHECK(with_times("\"nbf\":" + std::string(value) + ",\"exp\":" + second(900)) ==
          "malformed nbf");
    CHECK(with_times("\"iat\":" + std::string(value) + ",\"exp\":" + second(900)) ==
          "malformed iat");
  }
  CHECK(with_times("\"exp\":253402300799") == "accepted");
}

TEST_CASE("a time may have a fraction or an exponent, and never lengthens a token",
          "[auth][hostile]") {
  CHECK(with_times("\"exp\":1700000900.5") == "accepted");
  CHECK(with_times("\"exp\":1700000900.0") == "accepted");
  CHECK(with_times("\"exp\":1.79e9,\"nbf\":1.7e9,\"iat\":1.699999999e9") == "accepted");
  CHECK(with_times("\"exp\":1700000000.5") == "expired");
  CHECK(with_times("\"exp\":1700000001.5") == "accepted");
  JwtOptions options = forge::options();
  options.clock_skew = std::chrono::seconds(0);
  CHECK(with_times("\"nbf\":1700000000.5,\"exp\":1.79e9", options) == "not valid yet");
  CHECK(with_times("\"nbf\":1699999999.5,\"exp\":1.79e9", options) == "accepted");
  for (const char* value : {"NaN", "Infinity", "1e999", "+1", ".5", "1.", "0x7"}) {
    CAPTURE(value);
    CHECK(with_times("\"exp\":" + std::string(value)) == "malformed payload");
  }
}

TEST_CASE("a token that is not valid yet is refused beyond the skew of clocks", "[auth][hostile]") {
  const std::string exp = "\"exp\":" + second(9000) + ",";
  CHECK(with_times(exp + "\"nbf\":" + second(60)) == "accepted");
  CHECK(with_times(exp + "\"nbf\":" + second(61)) == "not valid yet");

  JwtOptions options = forge::options();
  options.clock_skew = std::chrono::seconds(0);
  CHECK(with_times(exp + "\"nbf\":" + second(0), options) == "accepted");
  CHECK(with_times(exp + "\"nbf\":" + second(1), options) == "not valid yet");
}

TEST_CASE("a token that was issued in the future is good: iat is information", "[auth][hostile]") {
  CHECK(with_times("\"exp\":" + second(9000) + ",\"iat\":" + second(3600)) == "accepted");
}
