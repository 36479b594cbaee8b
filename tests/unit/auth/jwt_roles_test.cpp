// SPDX-License-Identifier: MIT
#include "identity_of.hpp"
#include "support/token_forge.hpp"
#include <ordercast/auth/jwt_authenticator.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <variant>
#include <vector>

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::test;  // NOLINT(google-build-using-namespace)

namespace {

std::string claims_of_role(const std::string& role) {
  return R"("sub":"u","role":")" + role + "\"," + forge::fresh;
}

const std::string unknown_role =
    "unknown role; the known ones are SUPER_ADMIN, ORG_ADMIN, STORE_MANAGER, STAFF, RIDER, "
    "CUSTOMER";

}  // namespace

TEST_CASE("every role of the table is known, and an organization's needs its organization",
          "[auth]") {
  const auto with_organization = [](const std::string& role, const std::string& organization) {
    return forge::outcome_of_claims(claims_of_role(role) + R"(,"organizationId":)" + organization);
  };
  for (const auto& [name, reach] : forge::roles()) {
    const std::string role = name;
    CAPTURE(role);
    const auto with = [&](const std::string& organization) {
      return with_organization(role, organization);
    };
    const std::string expected =
        reach == Reach::organization ? "malformed organizationId" : "accepted";
    CHECK(forge::outcome_of_claims(claims_of_role(role)) == expected);
    CHECK(with("\"\"") == expected);
    CHECK(with("null") == expected);
    CHECK(with("7") == expected);
    CHECK(with("[\"org-1\"]") == expected);
    CHECK(with("\"" + std::string(129, 'o') + "\"") == expected);
    CHECK(with("\"" + std::string(128, 'o') + "\"") == "accepted");
    CHECK(with("\"org-1\"") == "accepted");
  }
}

TEST_CASE("an organization means nothing for a reach of everything or of one's own", "[auth]") {
  const JwtAuthenticator authenticator(forge::options());
  for (const std::string role : {"SUPER_ADMIN", "CUSTOMER"}) {
    const auto token = forge::hs256(
        forge::hs256_header,
        forge::with_times(R"("sub":"u","organizationId":"org-1","role":")" + role + "\"",
                          forge::fresh));
    CHECK(identity_of(authenticator.authenticate(token)).organization_id.empty());
  }
}

TEST_CASE("a token without a known role is refused", "[auth]") {
  for (const char* role :
       {"", R"("role":"",)", R"("role":"admin",)", R"("role":"super_admin",)", R"("role":null,)",
        R"("role":["SUPER_ADMIN"],)", R"("role":1,)", R"("Role":"CUSTOMER",)"}) {
    CAPTURE(role);
    CHECK(forge::outcome_of_claims(role + std::string(R"("sub":"u",)") + forge::fresh) ==
          unknown_role);
  }
}

TEST_CASE("the roles are the application's: three lines", "[auth]") {
  JwtOptions options = forge::options();
  options.roles = {
      {"BUYER", Reach::own}, {"SELLER", Reach::organization}, {"OPS", Reach::everything}};
  const JwtAuthenticator authenticator(options);
  const auto who = [&](const std::string& claims) {
    return identity_of(authenticator.authenticate(
        forge::hs256(forge::hs256_header,
                     R"({"sub":"u","organizationId":"org-1",)" + claims + forge::fresh + "}")));
  };
  CHECK(who(R"("role":"BUYER",)").reach == Reach::own);
  CHECK(who(R"("role":"OPS",)").reach == Reach::everything);
  const auto seller = who(R"("role":"SELLER",)");
  CHECK(seller.reach == Reach::organization);
  CHECK(seller.organization_id == "org-1");
  for (const std::string other : {"CUSTOMER", "SUPER_ADMIN", "ops", "BUYER "}) {
    CHECK(forge::outcome_of_claims(claims_of_role(other), options) ==
          "unknown role; the known ones are BUYER, SELLER, OPS");
  }
}

TEST_CASE("a table of roles that is empty, or has a nameless or repeated role, is refused",
          "[auth]") {
  struct Row {
    std::vector<JwtRole> roles;
    std::string words;
  };
  for (const Row& row : {
           Row{{}, "there are no roles"},
           Row{{{"OPS", Reach::everything}, {"", Reach::own}}, "name of a role is empty"},
           Row{{{"OPS", Reach::everything}, {"A", Reach::own}, {"OPS", Reach::own}},
               "the role 'OPS' is given twice"},
           Row{{{"\xFF", Reach::own}}, "not UTF-8"},
           Row{{{std::string("A\0B", 3), Reach::own}}, "holds NUL"},
       }) {
    JwtOptions verify = forge::options();
    verify.roles = row.roles;
    CHECK_THROWS_WITH(JwtAuthenticator(verify), Catch::Contains(row.words));
    JwtIssuerOptions issue;
    issue.secret = forge::secret;
    issue.roles = row.roles;
    CHECK_THROWS_WITH(JwtIssuer(issue), Catch::Contains(row.words));
  }
}
