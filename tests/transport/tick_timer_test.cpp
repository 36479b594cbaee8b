// SPDX-License-Identifier: MIT
#include <ordercast/net/tick_timer.hpp>

#include <asio/io_context.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

using namespace std::chrono_literals;
using ordercast::net::TickTimer;

TEST_CASE("a tick comes once for each time that it is scheduled", "[tick_timer]") {
  ::asio::io_context io;
  std::size_t ticks = 0;
  TickTimer timer(io, [&] { ++ticks; });
  CHECK(timer.schedule(0ms));
  CHECK(timer.ensure_scheduled());  // Nothing new: one is due.
  io.run();
  CHECK(ticks == 1);
}

TEST_CASE("a tick may schedule the next", "[tick_timer]") {
  ::asio::io_context io;
  std::size_t ticks = 0;
  std::unique_ptr<TickTimer> timer;
  timer = std::make_unique<TickTimer>(io, [&] {
    if (++ticks < 3) timer->schedule(0ms);
  });
  timer->schedule(0ms);
  io.run();
  CHECK(ticks == 3);
}

TEST_CASE("however far a deadline is, the tick comes within the bound", "[tick_timer]") {
  ::asio::io_context io;
  std::size_t ticks = 0;
  TickTimer timer(io, [&] { ++ticks; });
  timer.schedule((std::chrono::steady_clock::duration::max)() / 2);
  CHECK(io.run_for(60s) == 1);
  CHECK(ticks == 1);
}

TEST_CASE("a timer that is cancelled or destroyed calls nothing", "[tick_timer]") {
  ::asio::io_context io;
  std::size_t ticks = 0;
  {
    TickTimer cancelled(io, [&] { ++ticks; });
    cancelled.schedule(0ms);
    cancelled.cancel();
    io.run();
    io.restart();
    CHECK(cancelled.ensure_scheduled());
  }
  io.run();
  CHECK(ticks == 0);
}
