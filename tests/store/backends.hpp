// SPDX-License-Identifier: MIT
#pragma once

#include "../order_server/temp_store.hpp"
#include "../support/postgres_server.hpp"
#include "domain/transitions.hpp"
#include "store/database.hpp"
#include "store/postgres/postgres_store.hpp"
#include "store/sqlite/sqlite_store.hpp"

#include <cstdint>
#include <memory>
#include <string>

/// The databases that the conformance suite runs on. One is a database of its own, empty until it
/// is opened, with what the tests need beside the interfaces.
///
///     TEMPLATE_TEST_CASE("...", "[store]", SqliteBackend, PostgresBackend) {
///       StoreFixture<TestType> f;
///       f.store.create_order(sample_order("o-1"));
namespace order_server {

class SqliteBackend {
 public:
  /// Another object on the same database, as another process has.
  [[nodiscard]] std::unique_ptr<Database> open() const {
    return std::make_unique<SqliteStore>(options_for(dir_.file()));
  }
  std::string execute(const std::string& sql) const {
    sqlite::Connection connection(dir_.file(), sqlite::Access::read_write_create,
                                  std::chrono::seconds(5));
    if (sql.substr(0, 6) != "SELECT") {
      connection.execute(sql.c_str());
      return {};
    }
    sqlite::Query query = connection.query(sql);
    return query.next() ? query.text(0) : std::string();
  }
  /// From here on no entry of the outbox can be written, until `mend_outbox` is called.
  void break_outbox() const {
    execute_in(dir_.file(),
               "CREATE TRIGGER broken BEFORE INSERT ON outbox "
               "BEGIN SELECT RAISE(ABORT, 'the outbox is broken'); END");
  }
  void mend_outbox() const { execute_in(dir_.file(), "DROP TRIGGER broken"); }
  /// From here on a change is refused when it commits, after every statement has worked.
  void break_commit() const {
    execute_in(dir_.file(),
               "CREATE TABLE unkept (id TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED);"
               "CREATE TRIGGER unkept_promise AFTER INSERT ON outbox "
               "BEGIN INSERT INTO unkept VALUES ('nobody'); END");
  }
  void mend_commit() const {
    execute_in(dir_.file(), "DROP TRIGGER unkept_promise; DROP TABLE unkept");
  }
  /// Keeps others from changing the order until the answer is given up.
  [[nodiscard]] std::shared_ptr<void> hold_order(const std::string& /*id*/) const {
    struct Held {
      sqlite::Connection connection;
      sqlite::Transaction lock{connection, sqlite::Transaction::Kind::immediate};
    };
    return std::shared_ptr<Held>(  // NOLINT(modernize-make-shared): an aggregate.
        new Held{{dir_.file(), sqlite::Access::read_write_create, std::chrono::milliseconds(0)}});
  }
  /// A store that waits only briefly for a lock.
  [[nodiscard]] std::unique_ptr<Database> open_impatient() const {
    auto options = options_for(dir_.file());
    options.busy_timeout = std::chrono::milliseconds(0);
    return std::make_unique<SqliteStore>(options);
  }

  /// The database's name in errors, and that of a unique key.
  [[nodiscard]] std::string name() const { return dir_.file(); }
  static constexpr const char* key_of_emails = "users.email";

 private:
  TempDir dir_;
};

/// On one server that all tests of the program share.
class PostgresBackend {
 public:
  PostgresBackend() : database_(server().create_database(with_tables())) {}
  PostgresBackend(const PostgresBackend&) = delete;
  PostgresBackend& operator=(const PostgresBackend&) = delete;
  ~PostgresBackend() {
    try {
      server().drop_database(database_);
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
      // It goes with the server.
    }
  }

  [[nodiscard]] PostgresOptions options() const {
    PostgresOptions options;
    options.url = server().url(database_);
    return options;
  }
  [[nodiscard]] std::unique_ptr<Database> open() const {
    return std::make_unique<PostgresStore>(options());
  }
  std::string execute(const std::string& sql) const {
    return ordercast::test::PostgresSession(server().url(database_)).execute(sql);
  }
  void break_outbox() const {
    execute("ALTER TABLE outbox ADD CONSTRAINT broken CHECK (false) NOT VALID");
  }
  void mend_outbox() const { execute("ALTER TABLE outbox DROP CONSTRAINT broken"); }
  void break_commit() const {
    execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'not today'; END $$; "
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION refuse()");
  }
  void mend_commit() const { execute("DROP FUNCTION refuse CASCADE"); }
  [[nodiscard]] std::shared_ptr<void> hold_order(const std::string& id) const {
    auto session = std::make_shared<ordercast::test::PostgresSession>(name());
    session->execute("BEGIN; SELECT 1 FROM orders WHERE id = '" + id + "' FOR UPDATE");
    return session;
  }
  [[nodiscard]] std::unique_ptr<Database> open_impatient() const {
    auto impatient = options();
    impatient.lock_timeout = std::chrono::milliseconds(50);
    return std::make_unique<PostgresStore>(impatient);
  }

  [[nodiscard]] std::string name() const { return server().url(database_); }
  [[nodiscard]] const std::string& database() const noexcept { return database_; }
  static constexpr const char* key_of_emails = "users_email";

  [[nodiscard]] static ordercast::test::PostgresServer& server() {
    return ordercast::test::PostgresServer::shared();
  }

 private:
  /// Made once, as making the tables takes longer than copying them.
  static const std::string& with_tables() {
    static const std::string name = [] {
      auto made = server().create_database();
      PostgresOptions options;
      options.url = server().url(made);
      const PostgresStore store(options);
      return made;
    }();
    return name;
  }

  std::string database_;
};

/// An open store with one shop.
template <class Backend>
struct StoreFixture {
  Backend backend;
  std::unique_ptr<Database> opened = backend.open();
  Database& store = *opened;

  StoreFixture() { add_sample_shop(store); }

  ChangeResult move_to(const std::string& id, OrderStatus status, std::int64_t now_ms = 2000) {
    return store.change_order(
        id, [status](const Order& order) { return decide_status(order, status, "a note"); },
        now_ms);
  }
  [[nodiscard]] std::int64_t number(const std::string& sql) const {
    return std::stoll(backend.execute(sql));
  }
};

}  // namespace order_server
