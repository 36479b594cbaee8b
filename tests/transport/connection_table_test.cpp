// SPDX-License-Identifier: MIT
#include <ordercast/websocketpp/detail/connection_table.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

using namespace ordercast::websocketpp;
using detail::ConnectionTable;

namespace {

Connection::ptr connection() {
  static const auto log = std::make_shared<Config::alog_type>();
  static Config::rng_type random;
  return std::make_shared<Connection>(true, std::string(), log, log, random);
}

std::size_t count(const ConnectionTable& table) {
  std::size_t all = 0;
  table.for_each([&](Connection&) { ++all; });
  return all;
}

}  // namespace

TEST_CASE("a handle finds its connection, and never the next one in its place",
          "[connection_table]") {
  ConnectionTable table;
  const auto first = connection();
  table.add(first);
  const auto handle = first->record.handle;
  CHECK(table.find(handle) == first.get());
  CHECK(table.remove(*first) == first);
  CHECK(table.find(handle) == nullptr);

  const auto second = connection();
  table.add(second);
  CHECK(second->record.handle != handle);
  CHECK(table.find(handle) == nullptr);
  CHECK(table.find(second->record.handle) == second.get());
  CHECK(count(table) == 1);
  CHECK(table.find(0) == nullptr);
  CHECK(table.find(~ConnectionTable::Handle{0}) == nullptr);
}

TEST_CASE("connections may go while all are visited", "[connection_table]") {
  ConnectionTable table;
  std::vector<Connection::ptr> all;
  for (int i = 0; i < 5; ++i) table.add(all.emplace_back(connection()));
  std::size_t visited = 0;
  table.for_each([&](Connection& one) {
    ++visited;
    table.remove(one);
  });
  CHECK(visited == 5);
  CHECK(count(table) == 0);
}

TEST_CASE("a lost connection keeps its place until it is taken, once", "[connection_table]") {
  ConnectionTable table;
  const auto first = connection();
  const auto second = connection();
  table.add(first);
  table.add(second);
  CHECK(table.lose(*first));
  CHECK(table.find(first->record.handle) == first.get());
  std::vector<Connection*> taken;
  table.take_lost([&](Connection& one) {
    taken.push_back(&one);
    if (taken.size() == 1) CHECK_FALSE(table.lose(*second));  // Lost on the way.
  });
  CHECK(taken == std::vector<Connection*>{first.get(), second.get()});
  CHECK(count(table) == 0);
  table.take_lost([&](Connection&) { FAIL("nobody is lost any more"); });
}
