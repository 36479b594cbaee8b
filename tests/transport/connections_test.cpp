// SPDX-License-Identifier: MIT
#include <ordercast/asio/connections.hpp>

#include <catch2/catch.hpp>
#include <fcntl.h>

#include <cstdint>
#include <vector>

using ordercast::asio::Connection;
using ordercast::asio::Connections;
using ordercast::asio::StreamSocket;

namespace {

/// A record whose socket is open.
Connections::Index add(Connections& connections) {
  const auto index = connections.acquire();
  connections[index].socket = StreamSocket(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return index;
}

}  // namespace

TEST_CASE("a handle is found while its socket is open, and never for another connection",
          "[connections]") {
  Connections connections;
  const auto index = add(connections);
  const auto handle = connections.handle_of(index);
  CHECK(connections.find(handle) == &connections[index]);
  CHECK(connections.find(handle + 1) == nullptr);
  CHECK(connections.find(0) == nullptr);
  connections[index].socket.close();
  CHECK(connections.find(handle) == nullptr);

  connections.mark_dead(index);
  connections.release_dead(1, [](Connections::Index) {});
  REQUIRE(add(connections) == index);  // The record again, with a serial of its own.
  CHECK(connections.find(handle) == nullptr);
  CHECK(connections.handle_of(index) != handle);
}

TEST_CASE("closed connections are removed in turn, those that close meanwhile later",
          "[connections]") {
  Connections connections;
  for (int i = 0; i < 3; ++i) add(connections);
  connections.mark_dead(0);
  connections.mark_dead(2);
  CHECK(connections[0].state == Connection::State::dead);
  std::vector<Connections::Index> buried;
  connections.release_dead(2, [&](Connections::Index index) {
    buried.push_back(index);
    if (index == 0) connections.mark_dead(1);
  });
  CHECK(buried == std::vector<Connections::Index>{0, 2});
  CHECK(connections.dead_count() == 1);
  CHECK(connections.size() == 1);
}

TEST_CASE("only connections with an open socket are visited", "[connections]") {
  Connections connections;
  const auto first = add(connections);
  add(connections);
  connections[first].socket.close();
  std::vector<Connections::Index> seen;
  connections.for_each_open([&](Connections::Index index, Connection&) { seen.push_back(index); });
  CHECK(seen == std::vector<Connections::Index>{1});
}
