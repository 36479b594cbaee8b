// SPDX-License-Identifier: MIT
#include "api/shared_page.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <stdexcept>

using namespace order_server;
using namespace std::chrono_literals;

namespace {

/// A page that the test renders by hand.
struct Rig {
  ordercast::TimePoint now{1h};
  int renderings = 0;
  bool throws = false;
  bool refuses = false;
  std::deque<std::pair<std::chrono::milliseconds, std::function<void()>>> tasks;
  std::vector<ordercast::HttpResponse> answers;

  SharedPage page{[this] {
                    ++renderings;
                    if (throws) throw std::runtime_error("expected by a test");
                    return ordercast::HttpResponse{200, {}, std::to_string(renderings)};
                  },
                  [this](std::chrono::milliseconds delay, std::function<void()> task) {
                    if (refuses) return false;
                    tasks.emplace_back(delay, std::move(task));
                    return true;
                  },
                  [this] { return now; }, 50ms, 4};

  void ask() {
    page.ask([this](ordercast::HttpResponse response) { answers.push_back(std::move(response)); });
  }
  void run_next() {
    auto task = std::move(tasks.front());
    tasks.pop_front();
    now += task.first;
    task.second();
  }
};

}  // namespace

TEST_CASE("many that ask at once share one rendering", "[shared_page]") {
  Rig rig;
  for (int i = 0; i < 4; ++i) rig.ask();
  CHECK(rig.tasks.size() == 1);
  rig.run_next();
  CHECK(rig.renderings == 1);
  CHECK(rig.answers.size() == 4);
}

TEST_CASE("a page is never older than its request and not rendered again within the interval",
          "[shared_page]") {
  Rig rig;
  rig.ask();
  CHECK(rig.tasks.front().first == 0ms);
  rig.run_next();
  rig.now += 20ms;
  rig.ask();
  rig.ask();
  REQUIRE(rig.tasks.size() == 1);
  CHECK(rig.tasks.front().first == 30ms);
  rig.run_next();
  CHECK(rig.renderings == 2);
  CHECK(std::string(rig.answers.back().body) == "2");
  rig.now += 1h;
  rig.ask();
  CHECK(rig.tasks.front().first == 0ms);
}

TEST_CASE("every request is answered, also where nothing can be rendered", "[shared_page]") {
  Rig rig;
  SECTION("too many wait") {
    for (int i = 0; i < 6; ++i) rig.ask();
    CHECK(rig.answers.size() == 2);
    CHECK(rig.answers.front().status == 503);
    rig.run_next();
    CHECK(rig.answers.size() == 6);
    CHECK(rig.answers.back().status == 200);
  }
  SECTION("no thread takes it") {
    rig.refuses = true;
    rig.ask();
    REQUIRE(rig.answers.size() == 1);
    CHECK(rig.answers.front().status == 503);
    rig.refuses = false;
    rig.ask();
    rig.run_next();
    CHECK(rig.answers.back().status == 200);
  }
  SECTION("rendering throws") {
    rig.throws = true;
    rig.ask();
    rig.run_next();
    REQUIRE(rig.answers.size() == 1);
    CHECK(rig.answers.front().status == 503);
  }
}
