// SPDX-License-Identifier: MIT
#include "workers/worker_pool.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <stdexcept>

using namespace order_server;
using namespace std::chrono_literals;

namespace {

/// A task that holds a worker until it is released.
struct Gate {
  std::promise<void> entered;
  std::promise<void> opened;
  std::shared_future<void> open = opened.get_future().share();

  WorkerPool::Task task() {
    return [this] {
      entered.set_value();
      open.wait();
    };
  }
};

}  // namespace

TEST_CASE("tasks of one worker run in the order of their submission", "[workers]") {
  std::vector<int> order;
  {
    WorkerPool pool("test", 1, 100);
    for (int i = 0; i < 50; ++i) CHECK(pool.submit([&order, i] { order.push_back(i); }));
  }
  REQUIRE(order.size() == 50);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("a full queue refuses and runs nothing of it later", "[workers]") {
  Gate gate;
  std::atomic<int> ran{0};
  WorkerPool pool("test", 1, 2);
  REQUIRE(pool.submit(gate.task()));
  gate.entered.get_future().wait();
  CHECK(pool.submit([&] { ++ran; }));
  CHECK(pool.submit_after(1h, [&] { ++ran; }));
  CHECK_FALSE(pool.submit([&] { ran += 100; }));
  CHECK_FALSE(pool.submit_after(1ms, [&] { ran += 100; }));
  CHECK(pool.waiting() == 2);
  gate.opened.set_value();
  pool.stop();
  CHECK(ran == 2);
}

TEST_CASE("stopping runs what waits, delayed tasks at once, and takes nothing new", "[workers]") {
  std::atomic<int> ran{0};
  WorkerPool pool("test", 2, 100);
  for (int i = 0; i < 10; ++i) {
    CHECK(pool.submit([&] { ++ran; }));
    CHECK(pool.submit_after(1h, [&] { ++ran; }));
  }
  pool.stop();
  CHECK(ran == 20);
  CHECK_FALSE(pool.submit([&] { ++ran; }));
  pool.stop();
  CHECK(ran == 20);
}

TEST_CASE("a delayed task runs after its delay, a ready one is not held up by it", "[workers]") {
  WorkerPool pool("test", 1, 100);
  std::promise<ordercast::TimePoint> late;
  std::promise<ordercast::TimePoint> soon;
  const auto now = [] { return ordercast::SteadyClock{}.now(); };
  const auto start = now();
  CHECK(pool.submit_after(20ms, [&] { late.set_value(now()); }));
  CHECK(pool.submit([&] { soon.set_value(now()); }));
  const auto soon_at = soon.get_future().get();
  const auto late_at = late.get_future().get();
  CHECK(soon_at <= late_at);
  CHECK(late_at - start >= 20ms);
}

TEST_CASE("a task that throws ends neither its worker nor the process", "[workers]") {
  std::promise<void> after;
  WorkerPool pool("test", 1, 100);
  CHECK(pool.submit([] { throw std::runtime_error("expected by a test"); }));
  CHECK(pool.submit([] { throw 42; }));
  CHECK(pool.submit([&] { after.set_value(); }));
  after.get_future().wait();
}
