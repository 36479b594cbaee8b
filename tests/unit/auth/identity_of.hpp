// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/auth/jwt_authenticator.hpp>

#include <catch2/catch.hpp>

#include <variant>

namespace ordercast::test {

/// Whom a token names. The test ends if it was refused.
[[nodiscard]] inline Identity identity_of(const AuthResult& result) {
  REQUIRE(std::holds_alternative<Identity>(result));
  return std::get<Identity>(result);
}

}  // namespace ordercast::test
