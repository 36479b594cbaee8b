// SPDX-License-Identifier: MIT
#include "domain/transitions.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <optional>
#include <string>
#include <thread>

namespace order_server {
namespace {

using Catch::Matchers::Contains;

constexpr std::int64_t bound = 512 * 1024;
constexpr std::int64_t one_transaction = 256 * 1024;  // and far more than any here

/// A store whose log is bounded early, and an order that fills it.
struct Fixture {
  Fixture() {
    add_sample_shop(store);
    Order order = sample_order("o-1");
    order.note = std::string(20'000, 'n');
    store.create_order(order);
  }

  static SqliteOptions options(const std::string& file) {
    SqliteOptions options = options_for(file);
    options.durability = Durability::process_crash;
    options.max_log_bytes = bound;
    return options;
  }

  /// Changes the order without end of its statuses.
  ChangeResult touch() {
    return store.change_order(
        "o-1", [](const Order& order) { return change_from(order); }, ++now);
  }

  TempDir dir;
  SqliteStore store{options(dir.file())};
  std::int64_t now = 2000;
};

}  // namespace

TEST_CASE("the log is emptied even if there is always a reader", "[store][log]") {
  Fixture f;
  std::atomic<bool> stop{false};
  const auto read = [&] {
    while (!stop) static_cast<void>(f.store.find_order("o-1"));
  };
  std::thread first(read);
  std::thread second(read);
  std::int64_t longest = 0;
  for (int i = 0; i < 200; ++i) {
    CHECK(f.touch().changed);
    longest = std::max(longest, f.store.log_bytes());
  }
  stop = true;
  first.join();
  second.join();
  CHECK(longest > bound / 4);
  CHECK(longest < bound + one_transaction);
  CHECK(f.store.log_bytes() < bound);
}

TEST_CASE("a reader of another process that stays bounds the log and not the server's life",
          "[store][log]") {
  Fixture f;
  std::optional<sqlite::Connection> other;
  other.emplace(f.dir.file(), sqlite::Access::query_only, std::chrono::milliseconds(0));
  std::optional<sqlite::Transaction> transaction;
  transaction.emplace(*other, sqlite::Transaction::Kind::deferred);
  other->query("SELECT count(*) FROM orders").next();

  std::string error;
  std::uint64_t committed = 1;
  for (int i = 0; i < 200; ++i) {
    try {
      committed = f.touch().order->version;
      CHECK(error.empty());
    } catch (const StoreError& refused) {
      error = refused.what();
    }
  }
  CHECK_THAT(error, Contains("write-ahead log") && Contains("reader") && Contains(f.dir.file()));
  CHECK(committed > 5);
  CHECK(f.store.log_bytes() < bound + one_transaction);
  CHECK_THROWS_WITH(f.store.check(), Contains("write-ahead log"));
  CHECK(f.store.find_order("o-1")->version == committed);

  transaction.reset();
  CHECK_NOTHROW(f.store.check());
  CHECK(f.touch().order->version == committed + 1);
  CHECK(f.store.log_bytes() < bound / 4);
}

TEST_CASE("what is committed can still be broadcast when changes are refused", "[store][log]") {
  TempDir dir;
  SqliteOptions options = Fixture::options(dir.file());
  options.durability = Durability::power_loss;
  SqliteStore store(options);
  add_sample_shop(store);
  Order order = sample_order("o-1");
  order.note = std::string(20'000, 'n');
  store.create_order(order);
  sqlite::Connection other(dir.file(), sqlite::Access::query_only, std::chrono::milliseconds(0));
  const sqlite::Transaction transaction(other, sqlite::Transaction::Kind::deferred);
  other.query("SELECT count(*) FROM orders").next();
  const auto touch = [&] {
    store.change_order(
        "o-1", [](const Order& found) { return change_from(found); }, 2000);
  };
  CHECK_THROWS_AS(([&] {
                    for (int i = 0; i < 200; ++i) touch();
                  }()),
                  StoreError);
  CHECK_NOTHROW(store.mark_broadcast({1}));
  CHECK_THROWS_AS(touch(), StoreError);
}

TEST_CASE("a file size limit is an error of the store that loses nothing and ends with the limit",
          "[store][errors]") {
  Fixture f;
  // Its default is death; the server ignores it, too.
  struct sigaction ignore {};
  struct sigaction usual {};
  ignore.sa_handler = SIG_IGN;
  REQUIRE(sigaction(SIGXFSZ, &ignore, &usual) == 0);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  std::uint64_t committed = f.touch().order->version;
  rlimit low = before;
  // Below what the log has already, so that even a small change meets it.
  low.rlim_cur = static_cast<rlim_t>(f.store.log_bytes()) - 1;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &low) == 0);
  std::string error;
  try {
    f.touch();
  } catch (const StoreError& refused) {
    error = refused.what();
  }
  const auto found = f.store.find_order("o-1");
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  REQUIRE(sigaction(SIGXFSZ, &usual, nullptr) == 0);

  CHECK_THAT(error, Contains("disk I/O error") && Contains(f.dir.file()));
  REQUIRE(found);
  CHECK(found->version == committed);
  CHECK(f.touch().order->version == committed + 1);
  CHECK(text_in(f.dir.file(), "PRAGMA integrity_check") == "ok");
  CHECK(f.store.pending_broadcasts(100).size() == committed + 1);
}

}  // namespace order_server
