// SPDX-License-Identifier: MIT
#include "backends.hpp"
#include "domain/passwords.hpp"
#include "store/demo_data.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

/// Users, their sign-ins, and the store's own facts.
namespace order_server {
namespace {

using Strings = std::vector<std::string>;

template <class Backend>
struct AccountFixture : StoreFixture<Backend> {
  using StoreFixture<Backend>::store;

  AccountFixture() {
    store.add_user({"u-2", "Bob@example.org", "Bob", "hash", Role::customer, ""});
    store.add_user({"u-1", "ada@example.org", "Ada", "hash", Role::org_admin, "org-1"});
  }
};

Strings ids_of(const std::vector<EndedSession>& ended) {
  Strings ids;
  for (const auto& session : ended) ids.push_back(session.user_id + "/" + session.id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

TEMPLATE_TEST_CASE("users are listed by address, with those that are disabled", "[store][accounts]",
                   SqliteBackend, PostgresBackend) {
  AccountFixture<TestType> f;
  CHECK(f.store.set_disabled("u-2", true, 1000));
  const auto users = f.store.list_users();
  REQUIRE(users.size() == 2);
  CHECK(users[0].id == "u-1");
  CHECK_FALSE(users[0].is_disabled);
  CHECK(users[1].id == "u-2");
  CHECK(users[1].is_disabled);
  CHECK(f.store.disabled_users() == Strings{"u-2"});
  CHECK(f.store.find_user("u-2")->is_disabled);
}

TEMPLATE_TEST_CASE("disabling ends all of the user's sign-ins and no other's", "[store][accounts]",
                   SqliteBackend, PostgresBackend) {
  AccountFixture<TestType> f;
  f.store.add_session("s-1", "u-1", 100, 9000);
  f.store.add_session("s-2", "u-2", 100, 9000);
  f.store.add_device("u-1", "token-1", "ios", 100);
  f.store.add_device("u-2", "token-2", "ios", 100);
  CHECK(f.store.set_disabled("u-1", true, 1000));
  CHECK_FALSE(f.store.set_disabled("u-1", true, 2000));  // nothing to change
  CHECK_FALSE(f.store.set_disabled("nobody", true, 2000));
  CHECK(f.store.session_ended_at("s-1", "u-1") == 1000);
  CHECK(f.store.session_ended_at("", "u-1") == 1000);
  CHECK_FALSE(f.store.session_ended_at("s-2", "u-2"));
  CHECK_FALSE(f.store.session_ended_at("", "u-2"));
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'token-2'") == 1);
  CHECK(f.number("SELECT count(*) FROM devices") == 1);
  CHECK(f.store.set_disabled("u-1", false, 3000));
  CHECK(f.store.disabled_users().empty());
  CHECK(f.store.session_ended_at("s-1", "u-1") == 1000);  // stays ended
}

TEMPLATE_TEST_CASE("changes of accounts are read from the last one that was read",
                   "[store][accounts]", SqliteBackend, PostgresBackend) {
  AccountFixture<TestType> f;
  CHECK(f.store.last_account_change() == 0);
  CHECK(f.store.account_changes_after(0).empty());
  CHECK(f.store.set_disabled("u-1", true, 1000));
  const auto seen = f.store.last_account_change();
  CHECK(seen > 0);
  f.store.set_password("u-2", "another hash", 2000);
  CHECK(f.store.set_disabled("u-1", false, 3000));
  const auto changes = f.store.account_changes_after(seen);
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].user_id == "u-2");
  CHECK(changes[1].user_id == "u-1");
  CHECK(changes[0].sequence < changes[1].sequence);
  CHECK(f.store.last_account_change() == changes[1].sequence);
  CHECK(f.store.find_user("u-2")->password_hash == "another hash");
}

TEMPLATE_TEST_CASE("a sign-in ends once, with the device that was bound to it", "[store][sessions]",
                   SqliteBackend, PostgresBackend) {
  AccountFixture<TestType> f;
  f.store.add_session("s-1", "u-1", 100, 9000);
  f.store.add_device("u-1", "token-1", "ios", 100);
  f.store.add_device("u-1", "token-2", "ios", 100);
  f.store.bind_device("s-1", "u-1", "token-1");
  f.store.end_session("s-1", "u-2", 900);  // not that user's
  CHECK_FALSE(f.store.session_ended_at("s-1", "u-1"));
  f.store.end_session("s-1", "u-1", 1000);
  f.store.end_session("s-1", "u-1", 2000);
  CHECK(f.store.session_ended_at("s-1", "u-1") == 1000);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'token-1'") == 0);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'token-2'") == 1);
  // A sign-in that is not known here is remembered as ended.
  f.store.end_session("s-9", "u-1", 3000);
  CHECK(f.store.session_ended_at("s-9", "u-1") == 3000);
}

TEMPLATE_TEST_CASE("a device that signs in anew is not ended with the old sign-in",
                   "[store][sessions]", SqliteBackend, PostgresBackend) {
  AccountFixture<TestType> f;
  f.store.add_session("s-1", "u-1", 100, 9000);
  f.store.add_session("s-2", "u-1", 200, 9000);
  f.store.add_device("u-1", "token-1", "ios", 100);
  f.store.bind_device("s-1", "u-1", "token-1");
  f.store.bind_device("s-2", "u-1", "token-1");
  f.store.end_session("s-1", "u-1", 1000);
  CHECK(f.number("SELECT count(*) FROM devices") == 1);
  f.store.end_session("s-2", "u-1", 1000);
  CHECK(f.number("SELECT count(*) FROM devices") == 0);
}

TEMPLATE_TEST_CASE(
    "all sign-ins of a user end at once, and those that ended since a time are listed",
    "[store][sessions]", SqliteBackend, PostgresBackend) {
  AccountFixture<TestType> f;
  f.store.add_session("s-1", "u-1", 100, 9000);
  f.store.add_session("s-2", "u-1", 100, 9000);
  f.store.add_session("s-3", "u-2", 100, 9000);
  f.store.end_session("s-1", "u-1", 1000);
  CHECK(f.store.end_all_sessions("u-1", 2000) == Strings{"s-2"});
  CHECK(f.store.end_all_sessions("u-1", 3000).empty());
  CHECK(ids_of(f.store.sessions_ended_since(1001)) == Strings{"u-1/", "u-1/s-2"});
  CHECK(ids_of(f.store.sessions_ended_since(1000)) == Strings{"u-1/", "u-1/s-1", "u-1/s-2"});
  CHECK(f.store.sessions_ended_since(3001).empty());
}

TEMPLATE_TEST_CASE("a sign-in that has expired is forgotten by a later one", "[store][sessions]",
                   SqliteBackend, PostgresBackend) {
  AccountFixture<TestType> f;
  f.store.add_session("s-1", "u-1", 100, 500);
  f.store.add_session("s-2", "u-1", 600, 900);
  CHECK(f.number("SELECT count(*) FROM sessions") == 1);
}

TEMPLATE_TEST_CASE("a store that was filled is demo data, and stays so", "[store][meta]",
                   SqliteBackend, PostgresBackend) {
  const TestType backend;
  {
    const auto store = backend.open();
    CHECK_FALSE(store->is_demo());
    REQUIRE(fill_with_demo_data(*store, PasswordHasher{minimal_hash_cost}, 1714567890123));
    CHECK(store->is_demo());
    CHECK(store->list_orders({}).total == 32);
    CHECK(store->outbox_stats(0).depth == 0);
  }
  backend.execute("DELETE FROM users");
  CHECK(backend.open()->is_demo());
}

TEMPLATE_TEST_CASE("a store has an epoch, which it keeps", "[store][meta]", SqliteBackend,
                   PostgresBackend) {
  const TestType backend;
  const auto first = backend.open()->epoch();
  CHECK(first.size() == 32);
  CHECK(backend.open()->epoch() == first);
}

}  // namespace order_server
