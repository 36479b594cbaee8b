// SPDX-License-Identifier: MIT
#include <ordercast/asio/event_loop.hpp>

#include <asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

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

TEST_CASE("a loop that is gone is called no more", "[event_loop]") {
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
