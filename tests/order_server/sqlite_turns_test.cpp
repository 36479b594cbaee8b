// SPDX-License-Identifier: MIT
#include "store/sqlite/readers.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>

namespace order_server {

using Catch::Matchers::Contains;
using namespace std::chrono_literals;

TEST_CASE("a reader waits for a connection for so long and no longer", "[store][turns]") {
  TempDir dir;
  const SqliteStore store(options_for(dir.file()));
  sqlite::ReaderPool pool(1ms);
  pool.add(std::make_unique<sqlite::Connection>(dir.file(), sqlite::Access::query_only, 1s));
  std::optional<sqlite::ReaderPool::Lease> held;
  held.emplace(pool);
  CHECK_THROWS_AS(sqlite::ReaderPool::Lease(pool), StoreError);
  CHECK_THROWS_WITH(sqlite::ReaderPool::Lease(pool), Contains("busy for 1 ms"));
  held.reset();
  CHECK_NOTHROW(sqlite::ReaderPool::Lease(pool));
}

TEST_CASE("a reader that waits gets the connection that is given back", "[store][turns]") {
  TempDir dir;
  const SqliteStore store(options_for(dir.file()));
  sqlite::ReaderPool pool(30s);
  pool.add(std::make_unique<sqlite::Connection>(dir.file(), sqlite::Access::query_only, 1s));
  std::optional<sqlite::ReaderPool::Lease> held;
  held.emplace(pool);
  auto other = std::async(std::launch::async, [&] { const sqlite::ReaderPool::Lease lease(pool); });
  held.reset();
  CHECK(other.wait_for(30s) == std::future_status::ready);
  CHECK_NOTHROW(other.get());
}

TEST_CASE("a change waits for another's turn for so long and no longer, and writes nothing then",
          "[store][turns]") {
  TempDir dir;
  SqliteOptions options = options_for(dir.file());
  options.turn_timeout = 1ms;
  SqliteStore store(options);
  add_sample_shop(store);
  store.create_order(sample_order("o-1"));
  // While one change is at work, in its transaction, another thread wants to make its own.
  store.change_order(
      "o-1",
      [&](const Order&) -> Decision {
        std::thread([&] {
          CHECK_THROWS_WITH(store.create_order(sample_order("o-2")),
                            Contains("other changes have taken 1 ms"));
          CHECK(store.find_order("o-1"));  // reading goes on
        }).join();
        return {};
      },
      2000);
  CHECK_FALSE(store.find_order("o-2"));
  CHECK_NOTHROW(store.create_order(sample_order("o-2")));
}

}  // namespace order_server
