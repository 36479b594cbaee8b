// SPDX-License-Identifier: MIT
#include <ordercast/asio/event_loop.hpp>

#include <asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using ordercast::asio::EventLoop;

namespace {

struct Looped {
  Looped() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0); }
  Looped(const Looped&) = delete;
  Looped& operator=(const Looped&) = delete;
  ~Looped() {
    for (const int fd : ends) ::close(fd);
  }
  void note(std::string call) {
    calls.push_back(std::move(call));
    if (calls.size() >= enough) {
      needed = false;
      loop->stop_waiting();
      loop->cancel_tick();
    }
  }

  ::asio::io_context io;
  std::array<int, 2> ends{-1, -1};
  std::vector<std::string> calls;
  std::size_t enough = std::size_t(-1);
  bool needed = true;
  std::unique_ptr<EventLoop> loop = std::make_unique<EventLoop>(
      io, EventLoop::Calls{[this](std::uint64_t key, std::uint32_t events) {
                             note("event " + std::to_string(key) + " " + std::to_string(events));
                           },
                           [this] { note("turn"); }, [this] { note("tick"); },
                           [this] { return needed; }});
};

}  // namespace

TEST_CASE("a socket's events come with its key, until it is closed", "[event_loop]") {
  Looped it;
  REQUIRE(it.loop->add(it.ends[0], 77, EPOLLIN));
  it.loop->wait();
  REQUIRE(::send(it.ends[1], "x", 1, 0) == 1);
  it.enough = 2;
  it.io.run();
  CHECK(it.calls == std::vector<std::string>{"event 77 1", "event 77 1"});

  it.io.restart();
  it.calls.clear();
  it.needed = true;
  it.loop->change(it.ends[0], 78, EPOLLOUT);
  it.loop->wait();
  it.enough = 1;
  it.io.run();
  CHECK(it.calls == std::vector<std::string>{"event 78 4"});
  CHECK_FALSE(it.loop->add(-1, 1, EPOLLIN));
}

TEST_CASE("a turn ends once, behind what was ready before", "[event_loop]") {
  Looped it;
  it.needed = false;
  it.loop->schedule_turn();
  it.loop->schedule_turn();
  it.io.run();
  CHECK(it.calls == std::vector<std::string>{"turn"});
  it.io.restart();
  it.loop->schedule_turn();
  it.io.run();
  CHECK(it.calls == std::vector<std::string>{"turn", "turn"});
}

TEST_CASE("a loop that has ended is called no more", "[event_loop]") {
  Looped it;
  REQUIRE(it.loop->add(it.ends[0], 77, EPOLLIN));
  REQUIRE(::send(it.ends[1], "x", 1, 0) == 1);
  it.loop->wait();
  it.loop->schedule_turn();
  it.loop->ensure_tick();
  it.loop.reset();
  it.io.run();
  CHECK(it.calls.empty());
}

TEST_CASE("sockets that are set aside are served a few a turn, the others first", "[event_loop]") {
  Looped it;
  std::array<std::array<int, 2>, 30> crowd{};
  for (std::size_t i = 0; i < crowd.size(); ++i) {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, crowd[i].data()) == 0);
    REQUIRE(it.loop->add(crowd[i][0], 100 + i, EPOLLIN));
    REQUIRE(it.loop->set_aside(crowd[i][0], 100 + i, EPOLLIN));
    REQUIRE(::send(crowd[i][1], "x", 1, 0) == 1);
  }
  REQUIRE(it.loop->add(it.ends[0], 77, EPOLLIN));
  REQUIRE(::send(it.ends[1], "x", 1, 0) == 1);
  it.loop->wait();
  it.enough = 50;
  it.io.run();
  // 77 is ready all the time, and so are all others.
  std::size_t since = 0;
  std::size_t most = 0;
  for (const auto& call : it.calls) {
    since = call == "event 77 1" ? 0 : since + 1;
    most = std::max(most, since);
  }
  CHECK(most > 0);
  CHECK(most <= 4);

  // A socket that is no longer set aside is served like the others.
  it.io.restart();
  it.calls.clear();
  it.needed = true;
  for (std::size_t i = 1; i < crowd.size(); ++i) ::close(crowd[i][0]);
  it.loop->change(crowd[0][0], 100, EPOLLOUT, true);
  REQUIRE(it.loop->take_back(crowd[0][0], 100, EPOLLOUT));
  it.loop->change(crowd[0][0], 100, EPOLLIN);
  it.loop->wait();
  it.enough = 4;
  it.io.run();
  CHECK(std::count(it.calls.begin(), it.calls.end(), "event 100 1") == 2);
  CHECK(std::count(it.calls.begin(), it.calls.end(), "event 77 1") == 2);
  ::close(crowd[0][0]);
  for (const auto& pair : crowd) ::close(pair[1]);
}
