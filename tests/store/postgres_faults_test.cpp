// SPDX-License-Identifier: MIT
#include "backends.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

/// Faults of PostgreSQL and of the way to it. Each call ends within its deadline: with a
/// StoreError, or because another try has worked.
namespace order_server {
namespace {

using Catch::Matchers::Contains;
using ordercast::test::PostgresServer;
using ordercast::test::PostgresSession;
using namespace std::chrono_literals;

PostgresOptions impatient(PostgresOptions options) {
  options.lock_timeout = 100ms;
  options.statement_timeout = 500ms;
  options.call_timeout = 1s;
  options.pool.turn_timeout = 500ms;
  options.pool.connect_timeout = 500ms;
  options.pool.backoff = {1ms, 5ms};
  return options;
}

/// A database on the shared server, and a store with short deadlines.
struct Fixture {
  PostgresBackend backend;
  PostgresStore store{impatient(backend.options())};

  Fixture() {
    add_sample_shop(store);
    store.create_order(sample_order("o-1"));
  }
  ChangeResult touch(const std::string& id = "o-1") {
    return store.change_order(
        id, [](const Order& order) { return change_from(order); }, 2000);
  }
  /// Ends the sessions of the store, as a server does that restarts.
  void end_sessions() const {
    backend.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  }
};

/// A server of its own, for faults of a whole server.
struct OwnServer {
  explicit OwnServer(std::vector<std::string> settings = {}) : server(std::move(settings)) {
    database = server.create_database();
  }
  [[nodiscard]] PostgresOptions options() const {
    PostgresOptions options;
    options.url = server.url(database);
    return options;
  }
  PostgresServer server;
  std::string database;
};

template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const StoreError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("connections that ended between two calls are replaced unnoticed",
          "[store][postgres][faults]") {
  Fixture f;
  f.end_sessions();
  CHECK(f.touch().order->version == 2);
  f.end_sessions();
  CHECK(f.store.find_order("o-1")->version == 2);
}

TEST_CASE("after a connection is lost between statements the change is tried again, and made once",
          "[store][postgres][faults]") {
  Fixture f;
  int asked = 0;
  const auto result = f.store.change_order(
      "o-1",
      [&](const Order& order) {
        if (++asked == 1) f.end_sessions();
        return change_from(order);
      },
      2000);
  CHECK(asked == 2);
  CHECK(result.order->version == 2);
  CHECK(f.store.find_order("o-1")->status_logs.size() == 2);
  CHECK(f.store.pending_broadcasts(10).size() == 2);
}

TEST_CASE("a server that always hangs up ends the call with an error",
          "[store][postgres][faults]") {
  Fixture f;
  int asked = 0;
  const auto error = error_of([&] {
    f.store.change_order(
        "o-1",
        [&](const Order& order) {
          ++asked;
          f.end_sessions();
          return change_from(order);
        },
        2000);
  });
  CHECK_THAT(error, Contains(f.backend.name()));
  CHECK(asked > 1);
  CHECK(f.store.find_order("o-1")->version == 1);
}

TEST_CASE("a statement that takes too long is an error in time", "[store][postgres][faults]") {
  Fixture f;
  f.backend.execute(
      "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$; "
      "CREATE TRIGGER dawdle BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION dawdle()");
  CHECK_THAT(error_of([&] { f.touch(); }), Contains("statement timeout"));
  f.backend.execute("DROP TRIGGER dawdle ON outbox");
  CHECK(f.touch().order->version == 2);
}

TEST_CASE("a connection that is lost within the commit is an error that says so",
          "[store][postgres][faults]") {
  Fixture f;
  // The session ends itself while it commits.
  f.backend.execute(
      "CREATE FUNCTION vanish() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); "
      "RETURN NULL; END $$; "
      "CREATE CONSTRAINT TRIGGER vanish AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED "
      "FOR EACH ROW EXECUTE FUNCTION vanish()");
  int asked = 0;
  const auto error = error_of([&] {
    f.store.change_order(
        "o-1",
        [&](const Order& order) {
          ++asked;
          return change_from(order);
        },
        2000);
  });
  CHECK(asked == 1);  // it may have been stored: again could be twice
  CHECK_THAT(error, Contains("may have been stored"));
  f.backend.execute("DROP TRIGGER vanish ON outbox");
  CHECK(f.touch().changed);
}

TEST_CASE("after a deadlock the change is tried again", "[store][postgres][faults]") {
  Fixture f;
  f.store.create_order(sample_order("o-2"));
  PostgresOptions patient = f.backend.options();
  PostgresStore store(patient);
  PostgresSession other(PostgresBackend::server().superuser_url(f.backend.database()));
  // The other session holds o-2 and then wants o-1, which a change of o-1 holds that wants o-2. Its
  // own wait is long, so that the store's is the one that the server ends.
  other.execute(
      "SET deadlock_timeout = '1h'; BEGIN; UPDATE orders SET note = 'x' WHERE id = 'o-2'");
  f.backend.execute(
      "CREATE FUNCTION want() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN PERFORM 1 FROM orders WHERE id = 'o-2' FOR UPDATE; RETURN NEW; END $$; "
      "CREATE TRIGGER want BEFORE INSERT ON outbox FOR EACH ROW WHEN (NEW.order_id = 'o-1') "
      "EXECUTE FUNCTION want()");
  std::atomic<int> asked{0};
  std::future<void> rival;
  const auto result = store.change_order(
      "o-1",
      [&](const Order& order) {
        if (++asked == 1) {
          rival = std::async(std::launch::async, [&other] {
            other.execute("UPDATE orders SET note = 'x' WHERE id = 'o-1'; COMMIT");
          });
          while (f.backend.execute("SELECT count(*) FROM pg_locks WHERE NOT granted") == "0") {
            std::this_thread::yield();
          }
        }
        return change_from(order);
      },
      2000);
  CHECK_NOTHROW(rival.get());
  CHECK(asked == 2);
  CHECK(result.order->version == 2);
}

TEST_CASE("a call waits for a connection for so long and no longer", "[store][postgres][faults]") {
  Fixture f;
  PostgresOptions options = impatient(f.backend.options());
  options.pool.connections = 1;
  options.pool.turn_timeout = 10ms;
  PostgresStore store(options);
  store.change_order(
      "o-1",
      [&](const Order&) -> Decision {
        std::thread([&] {
          CHECK_THAT(error_of([&] { store.check(); }),
                     Contains("all 1 connections have been busy for 10 ms"));
        }).join();
        return {};
      },
      2000);
  CHECK_NOTHROW(store.check());
}

TEST_CASE("a node that hangs within a change loses its locks", "[store][postgres][faults]") {
  Fixture f;
  // A transaction that stands still for as long as a call may take is ended by the server.
  PostgresOptions options = impatient(f.backend.options());
  options.call_timeout = 50ms;
  PostgresStore hanging(options);
  std::uint64_t version_of_other = 0;
  const auto late = error_of([&] {
    hanging.change_order(
        "o-1",
        [&](const Order& order) {
          while (version_of_other == 0) {
            try {
              version_of_other = f.touch().order->version;
            } catch (const StoreError&) {  // NOLINT(bugprone-empty-catch)
              // Still held.
            }
          }
          return change_from(order);
        },
        2000);
  });
  CHECK(version_of_other == 2);
  CHECK(late != "no error");
  CHECK(f.store.find_order("o-1")->version == 2);
}

TEST_CASE("a text that can't be stored is in no order's id, and is refused elsewhere",
          "[store][postgres]") {
  Fixture f;
  for (const std::string& id : {std::string("a\0b", 3), std::string("\xFF\xFE")}) {
    CHECK_FALSE(f.store.find_order(id));
    CHECK_FALSE(f.store.find_user(id));
    CHECK_FALSE(f.touch(id).order);
    CHECK(f.store.current_versions({id, "o-1"}).size() == 1);
    CHECK_FALSE(f.store.session_ended_at(id, "user-1"));
    const auto nothing = [](const Order&) -> Decision { return NoChange{}; };
    CHECK_FALSE(f.store.apply_payment_event({"event-1", "d1"}, id, nothing, 1).known_order);
    // A header may hold any byte but control characters.
    CHECK(f.store.apply_payment_event({"\xFF\xFE", "d1"}, "order_o-1", nothing, 1).known_order);
    Order order = sample_order("o-2");
    order.note = id;
    CHECK_THROWS_AS(f.store.create_order(order), StoreError);
  }
}

TEST_CASE("a server that is killed in mid-transaction loses nothing that was answered",
          "[store][postgres][faults]") {
  OwnServer own;
  PostgresOptions options = own.options();
  options.pool.backoff = {1ms, 20ms};
  PostgresStore store(options);
  add_sample_shop(store);
  store.create_order(sample_order("o-1"));
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> answered{1};
  std::atomic<int> errors{0};
  std::thread writer([&] {
    while (!stop) {
      try {
        answered = store
                       .change_order(
                           "o-1", [](const Order& order) { return change_from(order); }, 2000)
                       .order->version;
      } catch (const StoreError&) {
        ++errors;
      }
    }
  });
  for (int round = 0; round < 3; ++round) {
    const auto before = answered.load();
    while (answered < before + 5) std::this_thread::yield();
    own.server.kill();
    const auto told = answered.load();
    own.server.start();
    INFO("round " << round);
    CHECK(std::stoull(PostgresSession(own.server.url(own.database))
                          .execute("SELECT version FROM orders WHERE id = 'o-1'")) >= told);
  }
  const auto before = answered.load();
  while (answered < before + 5) std::this_thread::yield();
  stop = true;
  writer.join();
  CHECK(errors > 0);
  const auto order = store.find_order("o-1");
  CHECK(order->status_logs.size() == order->version);
  CHECK(store.outbox_stats(0).depth == static_cast<std::int64_t>(order->version));
  CHECK_NOTHROW(store.check());
}

TEST_CASE("a server that hangs costs no call more than its deadline", "[store][postgres][faults]") {
  OwnServer own;
  PostgresStore store(impatient(own.options()));
  add_sample_shop(store);
  store.create_order(sample_order("o-1"));
  own.server.freeze();
  const auto begin = std::chrono::steady_clock::now();
  CHECK_THAT(error_of([&] { store.check(); }), Contains("does not answer in time"));
  CHECK_THROWS_AS(store.find_order("o-1"), StoreError);
  CHECK_THROWS_AS(store.create_order(sample_order("o-2")), StoreError);
  const auto took = std::chrono::steady_clock::now() - begin;
  own.server.thaw();
  CHECK(took >= 1s);
  CHECK(took < 30s);  // three calls of a second, on a machine that is busy
  while (error_of([&] { store.check(); }) != "no error") std::this_thread::yield();
  CHECK(store.find_order("o-1"));
}

TEST_CASE("an unreachable server is reported at once, and used again when it is back",
          "[store][postgres][faults]") {
  OwnServer own;
  PostgresStore store(impatient(own.options()));
  add_sample_shop(store);
  own.server.stop();
  CHECK_THAT(error_of([&] { store.check(); }),
             Contains("cannot connect to " + own.server.url(own.database)));
  own.server.start();
  while (error_of([&] { store.check(); }) != "no error") std::this_thread::yield();
  CHECK(store.find_shop("store-1"));
}

TEST_CASE("when the server accepts no more connections the store keeps those that it has",
          "[store][postgres][faults]") {
  OwnServer own({"max_connections=6", "superuser_reserved_connections=3"});
  PostgresOptions options = impatient(own.options());
  options.pool.connections = 6;
  options.pool.turn_timeout = 5s;
  options.call_timeout = 10s;
  PostgresStore store(options);
  add_sample_shop(store);
  store.create_order(sample_order("o-1"));
  PostgresSession first(own.server.url(own.database));
  PostgresSession second(own.server.url(own.database));  // and the store has the third
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int change = 0; change < 5; ++change) {
        const auto error = error_of([&] {
          store.change_order(
              "o-1", [](const Order& order) { return change_from(order); }, 2000);
        });
        if (error != "no error") ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(store.find_order("o-1")->version == 21);
  // A store without any connection says why.
  CHECK_THAT(error_of([&] { PostgresStore another(options); }),
             Contains("too many clients") || Contains("connection slots are reserved"));
}

TEST_CASE("a server that takes no changes is not ready", "[store][postgres][faults]") {
  Fixture f;
  PostgresBackend::server().administer("ALTER ROLE shop SET default_transaction_read_only = on");
  f.end_sessions();
  CHECK_THAT(error_of([&] { f.store.check(); }), Contains("read-only"));
  CHECK_THROWS_AS(f.touch(), StoreError);
  PostgresBackend::server().administer("ALTER ROLE shop RESET default_transaction_read_only");
  while (error_of([&] { f.store.check(); }) != "no error") std::this_thread::yield();
  CHECK(f.touch().order->version == 2);
}

}  // namespace order_server
