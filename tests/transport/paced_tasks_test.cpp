// SPDX-License-Identifier: MIT
#include <ordercast/net/paced_tasks.hpp>

#include <catch2/catch.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

using ordercast::net::PacedTasks;

namespace {

/// An event loop: runs what is posted, oldest first.
struct Loop {
  using Task = std::function<void()>;

  PacedTasks::Post post() {
    return [this](Task task) {
      if (is_full) throw std::bad_alloc();
      tasks.push_back(std::move(task));
    };
  }
  bool run_one() {
    if (tasks.empty()) return false;
    const auto task = std::move(tasks.front());
    tasks.pop_front();
    try {
      task();
    } catch (const std::runtime_error&) {
      ++failures;
    }
    return true;
  }
  void run() {
    while (run_one()) {
    }
  }

  std::deque<Task> tasks;
  bool is_full = false;
  int failures = 0;
};

}  // namespace

TEST_CASE("answers of a crowd run in order, and what else is posted comes between them",
          "[paced]") {
  Loop loop;
  const auto answers = std::make_shared<PacedTasks>(loop.post());
  std::vector<int> ran;
  for (int i = 0; i < 1000; ++i) answers->post([&ran, i] { ran.push_back(i); });
  std::size_t before_change = 0;
  loop.post()([&] { before_change = ran.size(); });
  loop.run();
  CHECK(before_change == 32);
  REQUIRE(ran.size() == 1000);
  for (int i = 0; i < 1000; ++i) CHECK(ran[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("a task that posts, or throws, costs the others nothing", "[paced]") {
  Loop loop;
  const auto answers = std::make_shared<PacedTasks>(loop.post());
  int ran = 0;
  for (int i = 0; i < 100; ++i) {
    answers->post([&, i] {
      ++ran;
      if (i % 10 == 0) answers->post([&] { ++ran; });
      if (i % 7 == 0) throw std::runtime_error("expected by the test");
    });
  }
  loop.run();
  CHECK(ran == 110);
  CHECK(loop.failures == 15);
}

TEST_CASE("a loop without memory for one more task gets it with the next", "[paced]") {
  Loop loop;
  const auto answers = std::make_shared<PacedTasks>(loop.post());
  int ran = 0;
  loop.is_full = true;
  CHECK_THROWS_AS(answers->post([&] { ++ran; }), std::bad_alloc);
  loop.is_full = false;
  answers->post([&] { ++ran; });
  loop.run();
  CHECK(ran == 2);
  // The same in the middle of many.
  for (int i = 0; i < 100; ++i) answers->post([&] { ++ran; });
  loop.is_full = true;
  loop.run();
  CHECK(ran == 34);
  loop.is_full = false;
  answers->post([&] { ++ran; });
  loop.run();
  CHECK(ran == 103);
}

TEST_CASE("tasks that a loop no longer runs are dropped", "[paced]") {
  const auto held = std::make_shared<int>(1);
  {
    Loop loop;
    const auto answers = std::make_shared<PacedTasks>(loop.post());
    for (int i = 0; i < 100; ++i) answers->post([held] {});
    loop.run_one();
  }
  CHECK(held.use_count() == 1);
}

TEST_CASE("a loop that is gone drops tasks at once, also one that holds what posts", "[paced]") {
  const auto held = std::make_shared<int>(1);
  const auto answers = std::make_shared<PacedTasks>([](const PacedTasks::Task&) {});
  for (int i = 0; i < 3; ++i) answers->post([held, answers] { FAIL("must not run"); });
  CHECK(held.use_count() == 1);
  CHECK(answers.use_count() == 1);
}

TEST_CASE("a loop that ends drops what waits for it, also a task that posts at its end",
          "[paced]") {
  struct PostsAtEnd {
    explicit PostsAtEnd(PacedTasks& answers) : to(answers) {}
    PostsAtEnd(const PostsAtEnd&) = delete;
    PostsAtEnd& operator=(const PostsAtEnd&) = delete;
    ~PostsAtEnd() {
      to.post([] { FAIL("must not run"); });
    }
    PacedTasks& to;
  };
  Loop loop;
  bool is_gone = false;
  const auto to_loop = loop.post();
  const auto answers = std::make_shared<PacedTasks>([&](PacedTasks::Task task) {
    if (!is_gone) to_loop(std::move(task));
  });
  const auto held = std::make_shared<int>(1);
  auto last = std::make_shared<PostsAtEnd>(*answers);
  for (int i = 0; i < 100; ++i) answers->post([held, answers, last] {});
  last.reset();
  loop.run_one();
  is_gone = true;
  loop.tasks.clear();
  CHECK(held.use_count() == 1);
  CHECK(answers.use_count() == 1);
}
