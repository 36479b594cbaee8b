// SPDX-License-Identifier: MIT
#include "support/token_forge.hpp"
#include <ordercast/auth/detail/base64url.hpp>

#include <catch2/catch.hpp>

#include <string>

using ordercast::detail::jose::base64url_decode;

TEST_CASE("base64url decodes what was encoded, whatever the bytes and the length", "[auth]") {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    REQUIRE(base64url_decode(ordercast::test::base64url(bytes)) == bytes);
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(i * 37 % 256)));
  }
}

TEST_CASE("base64url takes the vectors of RFC 4648 without their padding", "[auth]") {
  CHECK(base64url_decode("") == "");
  CHECK(base64url_decode("Zg") == "f");
  CHECK(base64url_decode("Zm8") == "fo");
  CHECK(base64url_decode("Zm9vYmFy") == "foobar");
  CHECK(base64url_decode("-_-_") == "\xFB\xFF\xBF");
}

TEST_CASE("base64url refuses padding, foreign characters and impossible lengths", "[auth]") {
  for (const char* text : {"Zg==", "Zm8=", "+/+/", "Zm9v\n", " Zm9", "Zm9v.", "Z", "Zm9vY", "A",
                           "Zm9vA", "Zm\x80v", "Zm9\xFF"}) {
    CAPTURE(text);
    CHECK_FALSE(base64url_decode(text));
  }
  CHECK_FALSE(base64url_decode(std::string("Zm9\0", 4)));
}

TEST_CASE("base64url refuses the second spelling of the same bytes", "[auth]") {
  CHECK_FALSE(base64url_decode("Zh"));   // "Zg" with a trailing bit set
  CHECK_FALSE(base64url_decode("Zm9"));  // "Zm8" with a trailing bit set
}
