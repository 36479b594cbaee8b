// SPDX-License-Identifier: MIT
#include "store/demo_start.hpp"

#include "store/demo_data.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace order_server {
namespace {

using Catch::Matchers::Contains;

constexpr std::int64_t now_ms = 1714567890123;

struct Fixture {
  TempDir dir;
  SqliteStore store{options_for(dir.file())};
  PasswordHasher hasher{minimal_hash_cost};

  bool start(DemoMode mode, const std::string& host) {
    return start_with_demo_data(store, hasher, mode, host, now_ms);
  }
  void add_own_user() {
    store.add_user({"u-1", "me@shop.example", "Me", "hash", Role::super_admin, ""});
  }
};

}  // namespace

TEST_CASE("hosts that only this machine reaches are known", "[demo]") {
  for (const char* host :
       {"127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST", "::ffff:127.0.0.1"}) {
    CHECK(listens_on_loopback(host));
  }
  for (const char* host : {"0.0.0.0", "::", "192.168.1.5", "128.0.0.1", "shop.example", "",
                           "localhost.example", "127.0.0.1.example"}) {
    CHECK_FALSE(listens_on_loopback(host));
  }
}

TEST_CASE("an empty database is filled on loopback unless that is off, elsewhere by name only",
          "[demo]") {
  const auto [mode, host, filled] =
      GENERATE(table<DemoMode, std::string, bool>({{DemoMode::automatic, "127.0.0.1", true},
                                                   {DemoMode::on, "::1", true},
                                                   {DemoMode::off, "127.0.0.1", false},
                                                   {DemoMode::on, "0.0.0.0", true},
                                                   {DemoMode::off, "0.0.0.0", false}}));
  Fixture f;
  CHECK(f.start(mode, host) == filled);
  CHECK(f.store.is_demo() == filled);
  CHECK(f.store.empty() != filled);
}

TEST_CASE("an empty database that others would reach needs a choice", "[demo]") {
  Fixture f;
  CHECK_THROWS_WITH(f.start(DemoMode::automatic, "0.0.0.0"),
                    Contains("--host 0.0.0.0") && Contains("--demo-data off") &&
                        Contains("--demo-data on") && Contains("--host 127.0.0.1"));
  CHECK(f.store.empty());
}

TEST_CASE("demo data is served to others by name only", "[demo]") {
  Fixture f;
  REQUIRE(f.start(DemoMode::automatic, "127.0.0.1"));
  for (const DemoMode mode : {DemoMode::automatic, DemoMode::off}) {
    CHECK_THROWS_WITH(f.start(mode, "192.168.1.5"),
                      Contains("--host 192.168.1.5") && Contains("--db") &&
                          Contains("--demo-data on") && Contains("--host 127.0.0.1"));
  }
  CHECK(f.start(DemoMode::on, "192.168.1.5"));
  CHECK(f.start(DemoMode::automatic, "127.0.0.1"));
  // A demo database does not count as one with demo mode off.
  CHECK_FALSE(f.start(DemoMode::off, "127.0.0.1"));
}

TEST_CASE("a database of one's own is served anywhere, and never as a demo", "[demo]") {
  Fixture f;
  f.add_own_user();
  for (const DemoMode mode : {DemoMode::automatic, DemoMode::on, DemoMode::off}) {
    CHECK_FALSE(f.start(mode, "0.0.0.0"));
    CHECK_FALSE(f.start(mode, "127.0.0.1"));
  }
  CHECK_FALSE(f.store.is_demo());
}

}  // namespace order_server
