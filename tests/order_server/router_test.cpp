// SPDX-License-Identifier: MIT
#include "api/router.hpp"

#include <catch2/catch.hpp>

using namespace order_server;

namespace {

const Router router({{"GET", "/", Access::open, Lane::io, nullptr},
                     {"GET", "/orders", Access::signed_in, Lane::reader, nullptr},
                     {"POST", "/orders", Access::customer, Lane::writer, nullptr},
                     {"GET", "/orders/:id", Access::signed_in, Lane::reader, nullptr},
                     {"DELETE", "/users/:user/devices/:device", Access::staff, Lane::writer,
                      nullptr}});

}  // namespace

TEST_CASE("a route is found by method and path", "[router]") {
  CHECK(router.find("GET", "/").route->pattern == "/");
  CHECK(router.find("GET", "/orders").route->lane == Lane::reader);
  CHECK(router.find("POST", "/orders").route->lane == Lane::writer);
}

TEST_CASE("parameters match one segment each and are percent-decoded", "[router]") {
  const auto one = router.find("GET", "/orders/a%20b%2Fc");
  REQUIRE(one.route != nullptr);
  CHECK(one.parameters == std::vector<std::string>{"a b/c"});
  CHECK(router.find("DELETE", "/users/u/devices/d").parameters ==
        std::vector<std::string>{"u", "d"});
}

TEST_CASE("a path that fits no pattern is found nowhere", "[router]") {
  for (const auto* path : {"", "orders", "/orders/", "/orders//", "//orders", "/orders/1/2",
                           "/Orders", "/users//devices/d", "/users/u/devices/", "*"}) {
    CAPTURE(path);
    const auto match = router.find("GET", path);
    CHECK(match.route == nullptr);
    CHECK(match.allow.empty());
  }
}

TEST_CASE("a wrong method gets the list of the right ones", "[router]") {
  CHECK(router.find("PATCH", "/orders").allow == "GET, HEAD, POST");
  CHECK(router.find("GET", "/users/u/devices/d").allow == "DELETE");
  CHECK(router.find("HEAD", "/orders").route->method == "GET");
}

TEST_CASE("each access level lets in its roles and no other", "[router]") {
  const auto admitted = [](Access access) {
    std::vector<Role> roles;
    for (const auto role : {Role::super_admin, Role::org_admin, Role::store_manager, Role::staff,
                            Role::rider, Role::customer}) {
      if (may_call(access, role)) roles.push_back(role);
    }
    return roles;
  };
  CHECK(admitted(Access::open).size() == 6);
  CHECK(admitted(Access::signed_in).size() == 6);
  CHECK(admitted(Access::customer) == std::vector<Role>{Role::customer});
  CHECK(admitted(Access::staff) == std::vector<Role>{Role::super_admin, Role::org_admin,
                                                     Role::store_manager, Role::staff,
                                                     Role::rider});
  CHECK(admitted(Access::super_admin) == std::vector<Role>{Role::super_admin});
}
