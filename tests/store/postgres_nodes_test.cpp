// SPDX-License-Identifier: MIT
#include "backends.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <set>
#include <string>
#include <thread>
#include <vector>

/// Many nodes on one PostgreSQL database: each a store object of its own.
namespace order_server {
namespace {

using Catch::Matchers::Contains;
using ordercast::test::PostgresSession;
using namespace std::chrono_literals;

struct Fixture : StoreFixture<PostgresBackend> {
  PostgresStore other{backend.options()};

  /// Ends all leases.
  void end_leases() const {
    backend.execute("UPDATE broadcasts SET leased_until = now() - interval '1 second'");
    backend.execute("UPDATE push_jobs SET leased_until = now() - interval '1 second'");
  }
};

std::vector<std::string> orders_of(const std::vector<OutboxEntry>& entries) {
  std::vector<std::string> ids;
  ids.reserve(entries.size());
  for (const auto& entry : entries) ids.push_back(entry.order_id);
  return ids;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("an entry that one node has taken is not given to another, until its lease ends",
          "[store][postgres][nodes]") {
  Fixture f;
  for (const char* id : {"o-1", "o-2", "o-3"}) f.store.create_order(sample_order(id));
  const auto taken = f.store.pending_broadcasts(2);
  CHECK(orders_of(taken) == Strings{"o-1", "o-2"});
  CHECK(orders_of(f.other.pending_broadcasts(10)) == Strings{"o-3"});
  // The holder may ask again, and gets the same entries.
  CHECK(orders_of(f.store.pending_broadcasts(10)) == Strings{"o-1", "o-2"});
  CHECK(orders_of(f.other.pending_broadcasts(10)) == Strings{"o-3"});

  f.end_leases();
  CHECK(orders_of(f.other.pending_broadcasts(10)) == Strings{"o-1", "o-2", "o-3"});
  CHECK(f.store.pending_broadcasts(10).empty());
  // The first node has published them after all: they are done, whichever node marks them.
  f.store.mark_broadcast({taken[0].sequence, taken[1].sequence});
  CHECK(orders_of(f.other.pending_broadcasts(10)) == Strings{"o-3"});
}

TEST_CASE("entries that a dead node had taken are given to others at once",
          "[store][postgres][nodes]") {
  Fixture f;
  f.store.add_device("user-1", "token-1", "android", 100);
  f.store.create_order(sample_order("o-1"));
  REQUIRE(f.move_to("o-1", OrderStatus::confirmed).changed);
  {
    PostgresStore dying(f.backend.options());
    REQUIRE(dying.pending_broadcasts(10).size() == 2);
    REQUIRE(dying.queue_pushes(10, 3000) == 2);
    REQUIRE(dying.due_pushes(10, 3000).size() == 1);
    CHECK(f.other.pending_broadcasts(10).empty());
    CHECK(f.other.due_pushes(10, 3000).empty());
  }
  while (f.number("SELECT count(DISTINCT application_name) FROM pg_stat_activity "
                  "WHERE application_name LIKE 'order_server %'") > 2) {
    std::this_thread::yield();  // The server notices a moment later.
  }
  CHECK(f.other.pending_broadcasts(10).size() == 2);
  CHECK(f.other.due_pushes(10, 3000).size() == 1);
}

TEST_CASE("asking again renews a lease", "[store][postgres][nodes]") {
  Fixture f;
  f.store.create_order(sample_order("o-1"));
  REQUIRE(f.store.pending_broadcasts(1).size() == 1);
  f.end_leases();
  REQUIRE(f.store.pending_broadcasts(1).size() == 1);
  CHECK(f.other.pending_broadcasts(1).empty());
}

TEST_CASE("an entry that failed is leased like a new one, and its lease ends with each failure",
          "[store][postgres][nodes]") {
  Fixture f;
  f.store.create_order(sample_order("o-1"));
  const auto sequence = f.store.pending_broadcasts(1).at(0).sequence;
  f.store.fail_broadcasts({{sequence, 3000, "not now"}}, 2000);
  REQUIRE(f.other.failed_broadcasts(10, 4000).size() == 1);
  CHECK(f.store.failed_broadcasts(10, 4000).empty());
  f.other.fail_broadcasts({{sequence, 3000, "not now"}}, 2000);
  CHECK(f.store.failed_broadcasts(10, 4000).size() == 1);
}

TEST_CASE("an entry that commits after a later one is not skipped", "[store][postgres][nodes]") {
  Fixture f;
  f.store.create_order(sample_order("o-1"));
  f.store.create_order(sample_order("o-2"));
  f.store.mark_broadcast({f.store.pending_broadcasts(10).at(0).sequence,
                          f.store.pending_broadcasts(10).at(1).sequence});
  CHECK(f.store.queue_pushes(10, 2000) == 2);
  // A change that is slow to commit has its sequence already.
  PostgresSession slow(f.backend.name());
  slow.execute(
      "BEGIN; WITH entry AS (INSERT INTO outbox (order_id, owner_id, organization_id, status, "
      "version, order_json, created_at, notify) VALUES ('o-1', 'user-1', 'org-1', 'CONFIRMED', 2, "
      "'{}', 2000, true) RETURNING sequence), b AS (INSERT INTO broadcasts (sequence) "
      "SELECT sequence FROM entry) INSERT INTO unqueued_pushes SELECT sequence FROM entry");
  REQUIRE(f.move_to("o-2", OrderStatus::confirmed).changed);
  const auto later = f.store.pending_broadcasts(10);
  REQUIRE(orders_of(later) == Strings{"o-2"});
  f.store.mark_broadcast({later[0].sequence});
  CHECK(f.store.queue_pushes(10, 2000) == 1);
  CHECK(f.store.prune_outbox(5000, 100) == 3);

  slow.execute("COMMIT");
  const auto earlier = f.other.pending_broadcasts(10);
  REQUIRE(orders_of(earlier) == Strings{"o-1"});
  CHECK(earlier[0].sequence < later[0].sequence);
  CHECK(f.other.queue_pushes(10, 2000) == 1);
}

TEST_CASE("a push is sent by one node at a time", "[store][postgres][nodes][push]") {
  Fixture f;
  f.store.add_device("user-1", "token-1", "android", 100);
  for (const char* id : {"o-1", "o-2"}) {
    f.store.create_order(sample_order(id));
    REQUIRE(f.move_to(id, OrderStatus::confirmed).changed);
  }
  CHECK(f.other.queue_pushes(100, 3000) == 4);
  const auto jobs = f.store.due_pushes(1, 3000);
  REQUIRE(jobs.size() == 1);
  CHECK(jobs[0].order_id == "o-1");
  const auto rest = f.other.due_pushes(10, 3000);
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].order_id == "o-2");
  f.end_leases();
  CHECK(f.other.due_pushes(10, 3000).size() == 2);
  PushResult done;
  done.id = jobs[0].id;
  done.version = jobs[0].version;
  f.store.finish_pushes({done}, 3000);
  CHECK(f.other.due_pushes(10, 3000).size() == 1);
}

TEST_CASE("many nodes that take at once take everything, each entry once",
          "[store][postgres][nodes]") {
  Fixture f;
  constexpr int orders = 200;
  for (int i = 0; i < orders; ++i) f.store.create_order(sample_order("o-" + std::to_string(i)));
  std::atomic<int> taken{0};
  std::atomic<int> queued{0};
  std::vector<std::future<void>> nodes;
  nodes.reserve(4);
  for (int node = 0; node < 4; ++node) {
    nodes.push_back(std::async(std::launch::async, [&] {
      PostgresStore store(f.backend.options());
      while (taken < orders || queued < orders) {
        std::vector<std::int64_t> sequences;
        for (const auto& entry : store.pending_broadcasts(7)) sequences.push_back(entry.sequence);
        taken += static_cast<int>(sequences.size());
        store.mark_broadcast(sequences);
        queued += static_cast<int>(store.queue_pushes(7, 2000));
      }
    }));
  }
  for (auto& node : nodes) CHECK_NOTHROW(node.get());
  CHECK(taken == orders);
  CHECK(queued == orders);
  CHECK(f.store.prune_outbox(5000, 1000) == orders);
}

TEST_CASE("orders of one user that two nodes take at once are counted each",
          "[store][postgres][nodes]") {
  Fixture f;
  const auto place = [](PostgresStore& store, const std::string& prefix) {
    for (int i = 0; i < 25; ++i) {
      store.create_order(sample_order(prefix + std::to_string(i)));
    }
  };
  PostgresStore third(f.backend.options());
  auto first = std::async(std::launch::async, [&] { place(f.other, "a-"); });
  auto second = std::async(std::launch::async, [&] { place(third, "b-"); });
  CHECK_NOTHROW(first.get());
  CHECK_NOTHROW(second.get());
  CHECK(f.number("SELECT count(DISTINCT nth_of_user) FROM orders") == 50);
  CHECK(f.number("SELECT max(nth_of_user) FROM orders") == 50);
}

TEST_CASE("an event of the payment provider that reaches two nodes at once is applied once",
          "[store][postgres][nodes][payments]") {
  Fixture f;
  f.store.create_order(sample_order("o-1"));
  std::atomic<int> applied{0};
  const auto hear = [&](Database& store) {
    for (int i = 0; i < 20; ++i) {
      const auto result = store.apply_payment_event(
          {"event-" + std::to_string(i), "d1"}, "order_o-1",
          [](const Order& order) { return change_from(order); }, 2000);
      if (!result.repeated) ++applied;
    }
  };
  auto first = std::async(std::launch::async, [&] { hear(f.store); });
  auto second = std::async(std::launch::async, [&] { hear(f.other); });
  CHECK_NOTHROW(first.get());
  CHECK_NOTHROW(second.get());
  CHECK(applied == 20);
  CHECK(f.store.find_order("o-1")->version == 21);
}

TEST_CASE("changes of accounts are numbered as they are committed", "[store][postgres][nodes]") {
  Fixture f;
  f.store.add_user({"u-1", "a@example.org", "A", "hash", Role::customer, ""});
  f.store.add_user({"u-2", "b@example.org", "B", "hash", Role::customer, ""});
  // A session that has taken a number holds others up until it commits, so that a reader who has
  // seen their numbers has seen its number too.
  PostgresSession slow(f.backend.name());
  slow.execute("BEGIN; SELECT pg_advisory_xact_lock(" + std::to_string(0x6163636F756E7473) +
               "); INSERT INTO account_changes (user_id) VALUES ('u-1')");
  auto later =
      std::async(std::launch::async, [&] { return f.other.set_disabled("u-2", true, 1000); });
  while (f.number("SELECT count(*) FROM pg_locks WHERE NOT granted") == 0) {
    std::this_thread::yield();
  }
  CHECK(f.store.account_changes_after(0).empty());
  slow.execute("COMMIT");
  CHECK(later.get());
  const auto changes = f.store.account_changes_after(0);
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].user_id == "u-1");
  CHECK(changes[1].user_id == "u-2");
}

TEST_CASE("a sign-in that is under way while all are ended does not outlive them",
          "[store][postgres][nodes][sessions]") {
  Fixture f;
  f.store.add_user({"u-1", "a@example.org", "A", "hash", Role::customer, ""});
  PostgresSession slow(f.backend.name());
  slow.execute("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('u-1', " +
               std::to_string(0x7365) +
               ")); INSERT INTO sessions (id, user_id, created_at, expires_at) "
               "VALUES ('s-1', 'u-1', 1, 9)");
  auto ending = std::async(std::launch::async, [&] { return f.other.end_all_sessions("u-1", 5); });
  while (f.number("SELECT count(*) FROM pg_locks WHERE NOT granted") == 0) {
    std::this_thread::yield();
  }
  slow.execute("COMMIT");
  CHECK(ending.get() == Strings{"s-1"});
  CHECK(f.store.session_ended_at("s-1", "u-1") == 5);
}

TEST_CASE("nodes that start at once on an empty database make its tables once",
          "[store][postgres][nodes][schema]") {
  auto& server = PostgresBackend::server();
  const auto database = server.create_database();
  std::vector<std::future<std::string>> nodes;
  nodes.reserve(6);
  for (int node = 0; node < 6; ++node) {
    nodes.push_back(std::async(std::launch::async, [&] {
      PostgresOptions options;
      options.url = server.url(database);
      options.serves = true;
      PostgresStore store(options);
      store.check();
      return store.epoch();
    }));
  }
  std::set<std::string> epochs;
  for (auto& node : nodes) epochs.insert(node.get());
  CHECK(epochs.size() == 1);
  server.drop_database(database);
}

TEST_CASE("tables of a later program are used if they say so, and otherwise left alone",
          "[store][postgres][schema]") {
  PostgresBackend backend;
  backend.execute("UPDATE meta SET value = '99' WHERE name = 'schema'");
  CHECK_NOTHROW(backend.open()->check());
  CHECK(backend.execute("SELECT value FROM meta WHERE name = 'schema'") == "99");
  backend.execute("UPDATE meta SET value = '98' WHERE name = 'usable_from_schema'");
  CHECK_THROWS_WITH(backend.open(), Contains("for programs of schema 98") && Contains("schema 2"));
}

TEST_CASE("another program's tables are an error and stay as they are",
          "[store][postgres][schema]") {
  auto& server = PostgresBackend::server();
  const auto database = server.create_database();
  PostgresOptions options;
  options.url = server.url(database);
  {
    PostgresSession other(server.superuser_url(database));
    other.execute("CREATE TABLE recipes (name text)");
  }
  CHECK_THROWS_WITH(PostgresStore(options), Contains("another program's"));
  PostgresSession look(server.superuser_url(database));
  CHECK(look.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "1");
}

TEST_CASE("a copy that is served is another store, and an operator's command does not make it one",
          "[store][postgres][meta]") {
  PostgresBackend backend;
  PostgresOptions options = backend.options();
  options.serves = true;
  const auto epoch = PostgresStore(options).epoch();
  CHECK(PostgresStore(options).epoch() == epoch);

  auto& server = PostgresBackend::server();
  PostgresOptions copy;
  copy.url = server.url(server.create_database(backend.database()));
  CHECK(PostgresStore(copy).epoch() == epoch);
  copy.serves = true;
  const auto of_copy = PostgresStore(copy).epoch();
  CHECK(of_copy != epoch);
  CHECK(PostgresStore(copy).epoch() == of_copy);
  CHECK(PostgresStore(options).epoch() == epoch);
  // Recovered to an earlier time, or a standby that took over: its log has another timeline.
  backend.execute(
      "UPDATE meta SET value = regexp_replace(value, '[^/]*$', '0000000F') "
      "WHERE name = 'served_as'");
  CHECK(PostgresStore(options).epoch() != epoch);
}

}  // namespace order_server
