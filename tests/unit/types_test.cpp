// SPDX-License-Identifier: MIT
#include <ordercast/error.hpp>
#include <ordercast/types.hpp>

#include <catch2/catch.hpp>

#include <string_view>
#include <type_traits>

using namespace ordercast;  // NOLINT(google-build-using-namespace)

TEST_CASE("an order reaches its owner, its assignee, its organization and who sees all",
          "[types]") {
  const auto may = [](std::string_view user, Reach reach, std::string_view organization) {
    return may_watch({user, reach, organization}, OwnerId("alice"), OrganizationId("org-1"),
                     AssigneeId("carl"));
  };
  CHECK(may("alice", Reach::own, ""));
  CHECK(may("carl", Reach::own, ""));
  CHECK_FALSE(may("bob", Reach::own, ""));
  CHECK_FALSE(may("bob", Reach::own, "org-1"));  // The reach is what counts.
  CHECK(may("sam", Reach::organization, "org-1"));
  CHECK_FALSE(may("sam", Reach::organization, "org-2"));
  CHECK(may("alice", Reach::organization, "org-2"));  // Her own order, wherever she works.
  CHECK(may("carl", Reach::organization, "org-2"));
  CHECK(may("root", Reach::everything, ""));
}

TEST_CASE("two empty ids never match", "[types]") {
  const auto may = [](const IdentityView& who) {
    return may_watch(who, OwnerId(), OrganizationId());
  };
  CHECK_FALSE(may({"", Reach::own}));
  CHECK_FALSE(may({"sam", Reach::organization, ""}));
  CHECK_FALSE(may({"", Reach::organization, ""}));
}

// What must not compile: tests/headers.
static_assert(std::is_constructible_v<OwnerId, const char*>);
static_assert(!std::is_convertible_v<const char*, OwnerId> &&
              !std::is_convertible_v<std::string_view, OrganizationId>);
static_assert(!std::is_constructible_v<OwnerId, OrganizationId> &&
              !std::is_constructible_v<OrganizationId, OwnerId> &&
              !std::is_constructible_v<AssigneeId, OwnerId>);

TEST_CASE("only 4001 tells a client not to reconnect with the same token", "[errors]") {
  CHECK_FALSE(should_reconnect(CloseCode::unauthorized));
  for (const auto code : {CloseCode::going_away, CloseCode::service_restart, CloseCode::too_slow,
                          CloseCode::too_many_connections}) {
    CHECK(should_reconnect(code));
  }
}
