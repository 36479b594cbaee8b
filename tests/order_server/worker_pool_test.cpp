// SPDX-License-Identifier: MIT
#include "workers/worker_pool.hpp"

#include <catch2/catch.hpp>
#ifdef __linux__
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace order_server;
using namespace std::chrono_literals;

namespace {

/// A task that keeps a worker busy until `opened` is set.
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

  /// Submits the task and waits until a worker is at it.
  void keep_busy(WorkerPool& pool) {
    REQUIRE(pool.submit(task()));
    entered.get_future().wait();
  }
};

/// A clock that stands still until the test moves it; any thread.
class StoppedClock {
 public:
  [[nodiscard]] WorkerPool::Now now() const {
    return [time = time_] { return time->load(); };
  }
  void advance(std::chrono::milliseconds by) { *time_ = time_->load() + by; }

 private:
  std::shared_ptr<std::atomic<ordercast::TimePoint>> time_ =
      std::make_shared<std::atomic<ordercast::TimePoint>>(ordercast::TimePoint{} + 100h);
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
  gate.keep_busy(pool);
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
  StoppedClock clock;
  std::vector<std::string> ran;
  {
    WorkerPool pool("test", 1, QueueLimits{100}, 0, clock.now());
    CHECK(pool.submit_after(20ms, [&] { ran.emplace_back("late"); }));
    const auto wake = [&](const char* name) {
      std::promise<void> done;
      CHECK(pool.submit([&] {
        ran.emplace_back(name);
        done.set_value();
      }));
      done.get_future().wait();
    };
    wake("at once");
    clock.advance(19ms);
    wake("a moment before");
    clock.advance(1ms);
    wake("behind");
    while (pool.waiting() > 0) std::this_thread::yield();
  }
  CHECK(ran.size() == 4);
  CHECK(ran[0] == "at once");
  CHECK(ran[1] == "a moment before");
}

TEST_CASE("a task that throws ends neither its worker nor the process", "[workers]") {
  std::promise<void> after;
  WorkerPool pool("test", 1, 100);
  CHECK(pool.submit([] { throw std::runtime_error("expected by a test"); }));
  CHECK(pool.submit([] { throw 42; }));
  CHECK(pool.submit([&] { after.set_value(); }));
  after.get_future().wait();
}

TEST_CASE("owners take turns, however much one of them has queued", "[workers]") {
  Gate gate;
  std::vector<std::string> ran;
  {
    WorkerPool pool("test", 1, 100);
    gate.keep_busy(pool);
    const auto queue = [&](const std::string& owner, int number) {
      const auto name = owner + std::to_string(number);
      REQUIRE(pool.submit({[&ran, name] { ran.push_back(name); }, owner, 0, nullptr}));
    };
    for (int i = 0; i < 50; ++i) queue("a", i);
    for (int i = 0; i < 2; ++i) queue("b", i);
    queue("c", 0);
    gate.opened.set_value();
  }
  REQUIRE(ran.size() == 53);
  ran.resize(7);
  CHECK(ran == std::vector<std::string>{"a0", "b0", "c0", "a1", "b1", "a2", "a3"});
}

TEST_CASE("an owner whose work is slow leaves threads to the others", "[workers]") {
  Gate first;
  Gate second;
  std::promise<void> other;
  WorkerPool pool("test", 2, 100);
  REQUIRE(pool.submit({first.task(), "slow", 0, nullptr}));
  REQUIRE(pool.submit({second.task(), "slow", 0, nullptr}));
  first.entered.get_future().wait();
  REQUIRE(pool.submit({[&] { other.set_value(); }, "other", 0, nullptr}));
  CHECK(other.get_future().wait_for(10s) == std::future_status::ready);
  auto entered = second.entered.get_future();
  CHECK(entered.wait_for(0s) == std::future_status::timeout);
  first.opened.set_value();
  CHECK(entered.wait_for(10s) == std::future_status::ready);
  second.opened.set_value();
}

TEST_CASE("a full queue takes from the owner with the most, who is told", "[workers]") {
  Gate gate;
  std::vector<std::string> ran;
  std::vector<std::string> refused;
  {
    WorkerPool pool("test", 1, 4);
    gate.keep_busy(pool);
    const auto queue = [&](const std::string& owner, const std::string& name) {
      return pool.submit({[&ran, name] { ran.push_back(name); }, owner, 0,
                          [&refused, name] { refused.push_back(name); }});
    };
    for (const auto* name : {"a0", "a1", "a2", "a3"}) REQUIRE(queue("a", name));
    CHECK_FALSE(queue("a", "a4"));
    CHECK(queue("b", "b0"));
    CHECK(queue("b", "b1"));
    // Both have two now.
    CHECK_FALSE(queue("b", "b2"));
    CHECK(pool.waiting() == 4);
    gate.opened.set_value();
  }
  CHECK(refused == std::vector<std::string>{"a3", "a2"});
  CHECK(ran == std::vector<std::string>{"a0", "b0", "a1", "b1"});
}

TEST_CASE("a queue is bounded in bytes, and one owner's do not shut out another", "[workers]") {
  Gate gate;
  int ran = 0;
  int refused = 0;
  {
    WorkerPool pool("test", 1, QueueLimits{100, 1000});
    gate.keep_busy(pool);
    const auto queue = [&](const std::string& owner, std::size_t bytes) {
      return pool.submit({[&] { ++ran; }, owner, bytes, [&] { ++refused; }});
    };
    CHECK_FALSE(queue("a", 1001));
    CHECK(queue("a", 400));
    CHECK(queue("a", 500));
    CHECK_FALSE(queue("a", 101));
    CHECK(queue("a", 100));
    CHECK(queue("b", 300));
    CHECK(refused == 2);
    CHECK_FALSE(queue("c", 900));
    CHECK(refused == 2);
    gate.opened.set_value();
  }
  CHECK(ran == 2);
}

TEST_CASE("what the server itself has queued is never given up for a client", "[workers]") {
  Gate gate;
  int ran = 0;
  {
    WorkerPool pool("test", 1, 2);
    gate.keep_busy(pool);
    for (int i = 0; i < 2; ++i) REQUIRE(pool.submit([&] { ++ran; }));
    CHECK_FALSE(pool.submit({[] {}, "a", 0, nullptr}));
    gate.opened.set_value();
  }
  CHECK(ran == 2);
}

TEST_CASE("a client's task that waits longer than the limit is refused, the server's own runs",
          "[workers]") {
  std::vector<std::string> ran;
  const auto queue_behind_a_busy_worker = [&](std::chrono::milliseconds limit) {
    Gate gate;
    StoppedClock clock;
    QueueLimits limits{10};
    limits.wait = limit;
    WorkerPool pool("test", 1, limits, 0, clock.now());
    gate.keep_busy(pool);
    REQUIRE(pool.submit(
        {[&] { ran.emplace_back("served"); }, "a", 0, [&] { ran.emplace_back("refused"); }, {}}));
    REQUIRE(pool.submit([&] { ran.emplace_back("its own"); }));
    clock.advance(2ms);
    gate.opened.set_value();
  };
  queue_behind_a_busy_worker(1ms);
  CHECK(ran == std::vector<std::string>{"refused", "its own"});
  ran.clear();
  queue_behind_a_busy_worker(1h);
  CHECK(ran == std::vector<std::string>{"served", "its own"});
}

#ifdef __linux__
TEST_CASE("a polite pool leaves the processor to the others", "[workers]") {
  const auto niceness = [](WorkerPool& pool) {
    std::promise<int> found;
    CHECK(pool.submit([&found] {
      found.set_value(::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid))));
    }));
    return found.get_future().get();
  };
  WorkerPool pool("test", 1, 100);
  WorkerPool polite("test", 1, 100, WorkerPool::polite);
  const int mine = ::getpriority(PRIO_PROCESS, 0);
  CHECK(niceness(pool) == mine);
  CHECK(niceness(polite) == std::min(mine + WorkerPool::polite, 19));
  CHECK(::getpriority(PRIO_PROCESS, 0) == mine);
}
#endif

TEST_CASE("a pool stands still while every thread is at a task that does not end", "[workers]") {
  Gate first;
  Gate second;
  WorkerPool pool("test", 2, 10);
  const auto in_an_hour = ordercast::SteadyClock{}.now() + 1h;
  CHECK(pool.still_for(in_an_hour) == 0ms);
  first.keep_busy(pool);
  CHECK(pool.still_for(in_an_hour) == 0ms);
  second.keep_busy(pool);
  CHECK(pool.still_for(in_an_hour) > 59min);
  first.opened.set_value();
  second.opened.set_value();
  pool.stop();
  CHECK(pool.still_for(in_an_hour) == 0ms);
}
