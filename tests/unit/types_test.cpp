// SPDX-License-Identifier: MIT
#include <ordercast/error.hpp>
#include <ordercast/types.hpp>

#include <catch2/catch.hpp>

using namespace ordercast;  // NOLINT(google-build-using-namespace)

TEST_CASE("each role has one wire name", "[types]") {
  for (const auto* name :
       {"SUPER_ADMIN", "ORG_ADMIN", "STORE_MANAGER", "STAFF", "RIDER", "CUSTOMER"}) {
    CHECK(to_string(*role_from_string(name)) == name);
  }
  for (const auto* name : {"", "customer", "ADMIN", "CUSTOMER "})
    CHECK_FALSE(role_from_string(name));
}

TEST_CASE("owner, organisation and super admin may watch an order, nobody else", "[types]") {
  const auto may = [](std::string_view user, Role role, std::string_view organization) {
    return may_watch({user, role, organization}, "alice", "org-1");
  };
  CHECK(may("alice", Role::customer, ""));
  CHECK_FALSE(may("bob", Role::customer, ""));
  CHECK_FALSE(may("bob", Role::customer, "org-1"));  // A customer belongs to no organisation.
  for (const Role role : {Role::org_admin, Role::store_manager, Role::staff, Role::rider}) {
    CHECK(may("sam", role, "org-1"));
    CHECK_FALSE(may("sam", role, "org-2"));
    CHECK(may("alice", role, "org-2"));  // Her own order, whatever her work.
  }
  CHECK(may("root", Role::super_admin, ""));
  CHECK_FALSE(may_watch({"", Role::customer, ""}, "", ""));
  CHECK_FALSE(may_watch({"sam", Role::staff, ""}, "alice", ""));
}

TEST_CASE("only 4001 tells a client not to reconnect as it is", "[errors]") {
  CHECK_FALSE(should_reconnect(CloseCode::unauthorized));
  for (const auto code : {CloseCode::going_away, CloseCode::service_restart, CloseCode::too_slow,
                          CloseCode::too_many_connections}) {
    CHECK(should_reconnect(code));
  }
}
