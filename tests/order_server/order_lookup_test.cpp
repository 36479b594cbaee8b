// SPDX-License-Identifier: MIT
#include "realtime/order_lookup.hpp"

#include "faulty_store.hpp"
#include "realtime/services.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace order_server;
using namespace std::chrono_literals;
using ordercast::Access;
using ordercast::Reach;

namespace {

/// A look-up with one worker, and a fake shard whose tasks the test runs.
struct Lookups {
  explicit Lookups(std::size_t capacity = 100) : pool("test", 1, capacity) {}

  /// Runs what is posted to the shard, once it is that many tasks.
  void run_posted(std::size_t count) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, 30s, [&] { return posted.size() >= count; }));
    for (const auto& task : posted) task();
  }

  ordercast::Access access(const ordercast::IdentityView& who, const std::string& order_id) {
    std::optional<ordercast::Access> answer;
    struct Done {
      std::optional<ordercast::Access>* answer;
      void operator()(ordercast::Access given) const {
        REQUIRE_FALSE(*answer);
        *answer = given;
      }
      void operator()(ordercast::GrantedAt at) const {
        CHECK(at.version == 1);
        (*this)(ordercast::Access::granted);
      }
    };
    StoreAuthorizer(lookup, post).authorize(who, order_id, Done{&answer});
    CHECK_FALSE(answer);
    run_posted(1);
    REQUIRE(answer);
    return *answer;
  }

  FaultyStore store;
  Metrics metrics;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::function<void()>> posted;
  Post post = [this](std::function<void()> task) {
    {
      const std::lock_guard lock(mutex);
      posted.push_back(std::move(task));
    }
    changed.notify_all();
  };
  WorkerPool pool;
  OrderLookup lookup{store, pool, metrics};
};

}  // namespace

TEST_CASE("who may watch an order is decided by its owner and organisation", "[lookup]") {
  const auto answer = [](const ordercast::IdentityView& who, const std::string& id = "o-1") {
    Lookups lookups;
    lookups.store.put_order(sample_order("o-1", "user-1"));
    const auto given = lookups.access(who, id);
    REQUIRE(given != Access::unavailable);
    return given == Access::granted;
  };
  CHECK(answer({"user-1", Reach::own}));
  CHECK(answer({"someone", Reach::organization, "org-1"}));
  CHECK(answer({"someone", Reach::organization, "org-1"}));
  CHECK(answer({"someone", Reach::everything}));
  CHECK_FALSE(answer({"user-2", Reach::own}));
  CHECK_FALSE(answer({"user-2", Reach::own, "org-1"}));
  CHECK_FALSE(answer({"someone", Reach::organization, "org-2"}));
  CHECK_FALSE(answer({"someone", Reach::organization, ""}));
  CHECK_FALSE(answer({"someone", Reach::everything}, "no such order"));
}

TEST_CASE("a store that fails says that it can't tell, and neither yes nor no", "[lookup]") {
  Lookups lookups;
  lookups.store.put_order(sample_order("o-1", "user-1"));
  lookups.store.failures = 1;
  CHECK(lookups.access({"user-1", Reach::own}, "o-1") == Access::unavailable);
  CHECK(lookups.store.reads == 1);
  CHECK(lookups.metrics.lookup_failures.value() == 1);
  lookups.posted.clear();
  CHECK(lookups.access({"user-1", Reach::own}, "o-1") == Access::granted);
  lookups.posted.clear();
  lookups.store.failures = 1;
  CHECK(lookups.access({"user-2", Reach::own}, "o-1") == Access::unavailable);
}

TEST_CASE("a full queue says that it can't tell, and is counted", "[lookup]") {
  Lookups lookups(0);
  lookups.store.put_order(sample_order("o-1", "user-1"));
  CHECK(lookups.access({"user-1", Reach::everything}, "o-1") == Access::unavailable);
  CHECK(lookups.metrics.lookup_failures.value() == 1);
  CHECK(lookups.store.reads == 0);
}

TEST_CASE("a look-up whose callback throws does not cost the others their answer", "[lookup]") {
  Lookups lookups;
  lookups.store.put_order(sample_order("o-1", "user-1"));
  std::mutex busy;
  busy.lock();
  REQUIRE(lookups.pool.submit([&] { const std::lock_guard wait(busy); }));
  lookups.lookup.find("o-1", [](const auto&) { throw std::runtime_error("the test says so"); });
  lookups.lookup.find("o-1", [&](const auto& found) {
    lookups.post([is_found = found.value != nullptr] { CHECK(is_found); });
  });
  busy.unlock();
  lookups.run_posted(1);
}

TEST_CASE("thousands of look-ups of one user cost another user one turn", "[lookup]") {
  Lookups lookups(20'000);
  std::mutex busy;
  busy.lock();
  REQUIRE(lookups.pool.submit([&] { const std::lock_guard wait(busy); }));
  constexpr int many = 3'000;
  std::vector<std::string> answered;  // the worker's
  const auto ask = [&](const std::string& user, const std::string& order) {
    lookups.lookup.find_version(user, order, [&, user, order](const auto& found) {
      CHECK(found.is_available);
      answered.push_back(user + " " + order);
    });
  };
  for (int i = 0; i < many; ++i) ask("flood", "o-" + std::to_string(i));
  ask("other", "mine");
  // An order that the flood asks for as well, far back in its queue.
  ask("other", "o-2999");
  busy.unlock();
  lookups.pool.stop();
  REQUIRE(answered.size() == many + 2);
  const auto place = [&](const char* text) {
    return std::find(answered.begin(), answered.end(), text) - answered.begin();
  };
  constexpr int turn = ordercast::max_batch;
  CHECK(place("other mine") <= turn);
  CHECK(place("other o-2999") <= turn + 2);
  // It was read once for both; the flood's own turn had that one fewer to read.
  CHECK(place("flood o-2999") <= turn + 2);
  CHECK(lookups.metrics.lookup_reads.value() == many / turn + 1);
}

TEST_CASE("a full queue gives up the newest look-ups of who has most, for that user alone",
          "[lookup]") {
  Lookups lookups(4);
  std::mutex busy;
  busy.lock();
  std::promise<void> begun;
  REQUIRE(lookups.pool.submit([&] {
    begun.set_value();
    const std::lock_guard wait(busy);
  }));
  begun.get_future().wait();
  std::vector<std::string> unavailable;
  std::vector<std::string> answered;  // the worker's
  const auto ask = [&](const std::string& user, const std::string& order) {
    lookups.lookup.find_version(user, order, [&, user, order](const auto& found) {
      (found.is_available ? answered : unavailable).push_back(user + " " + order);
    });
  };
  constexpr int turn = ordercast::max_batch;
  for (int i = 0; i < 3 * turn; ++i) ask("flood", "o-" + std::to_string(i));
  const std::string newest = "o-" + std::to_string(3 * turn - 1);
  ask("other", newest);
  ask("third", "o-9");  // is above the limit
  CHECK(unavailable.size() == turn);
  CHECK(std::count(unavailable.begin(), unavailable.end(), "flood " + newest) == 1);
  CHECK(std::count(unavailable.begin(), unavailable.end(), "flood o-0") == 0);
  busy.unlock();
  lookups.pool.stop();
  CHECK(answered.size() == 2 * turn + 2);
  CHECK(std::count(answered.begin(), answered.end(), "other " + newest) == 1);
}

TEST_CASE("what one user asks for together is answered from one read", "[lookup]") {
  Lookups lookups;
  for (int i = 0; i < 20; ++i) lookups.store.put_order(sample_order("o-" + std::to_string(i)));
  std::mutex busy;
  busy.lock();
  REQUIRE(lookups.pool.submit([&] { const std::lock_guard wait(busy); }));
  std::size_t found = 0;  // the worker's
  for (int i = 0; i < 25; ++i) {
    lookups.lookup.find_version("user-1", "o-" + std::to_string(i), [&, i](const auto& answer) {
      CHECK(answer.is_available);
      CHECK((answer.value != nullptr) == (i < 20));
      ++found;
    });
  }
  busy.unlock();
  lookups.pool.stop();
  CHECK(found == 25);
  CHECK(lookups.store.reads == 1);
}

TEST_CASE("callers that wait are bounded, of one user and in all", "[lookup]") {
  WorkerPool pool("test", 1, 100);
  Metrics metrics;
  std::mutex busy;
  busy.lock();
  REQUIRE(pool.submit([&] { const std::lock_guard wait(busy); }));
  SharedReads<int> reads(pool, metrics, {10, 8, 5}, [](const auto&) {
    return SharedReads<int>::Values{{"k", 1}};
  });
  int refused = 0;
  std::atomic<int> answered{0};
  const auto ask = [&](const char* owner) {
    reads.find(owner, "k", [&](const auto& found) { found.is_available ? ++answered : ++refused; });
  };
  for (int i = 0; i < 7; ++i) ask("flood");
  CHECK(refused == 2);
  for (int i = 0; i < 4; ++i) ask("other");
  CHECK(refused == 3);
  ask("");
  CHECK(refused == 4);
  busy.unlock();
  for (int i = 0; i < 5; ++i) {  // Who has been answered makes room for others.
    while (answered < 8 * (i + 1)) std::this_thread::yield();
    for (int n = 0; n < 8; ++n) ask(n < 5 ? "flood" : "other");
  }
  pool.stop();
  CHECK(refused == 4);
  CHECK(answered == 48);
}

TEST_CASE("look-ups of many users, of full queues and of stores that fail are all answered",
          "[lookup]") {
  // Turns are taken, lost and shared in every sequence; each callback must come exactly once.
  Lookups lookups(8);
  lookups.store.put_order(sample_order("o-1"));
  std::vector<std::atomic<int>> answers(4000);
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      std::minstd_rand random(thread + 1);
      for (unsigned i = 0; i < 1000; ++i) {
        if (random() % 64 == 0) lookups.store.failures = 1;
        const auto user = "user-" + std::to_string(random() % 7);
        const auto order = "o-" + std::to_string(random() % 200);
        auto& times = answers[thread * 1000 + i];
        lookups.lookup.find_version(user, order, [&times](const auto&) { ++times; });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  lookups.pool.stop();
  CHECK(std::all_of(answers.begin(), answers.end(), [](const auto& times) { return times == 1; }));
}

namespace {

/// The answer of a source of orders.
struct Fetched {
  std::optional<ordercast::OrderSnapshot> snapshot;
  bool is_unavailable = false;

  void operator()(std::optional<ordercast::OrderSnapshot> answer) { snapshot = std::move(answer); }
  void operator()(ordercast::Unavailable) { is_unavailable = true; }
};

}  // namespace

TEST_CASE("a snapshot is the whole order at its version, or nothing", "[lookup]") {
  Lookups lookups;
  auto order = sample_order("o-1");
  order.version = 7;
  lookups.store.put_order(order);
  Fetched first;
  Fetched second;
  const StoreOrders orders(lookups.lookup, lookups.post);
  orders.fetch("o-1", [&](auto answer) { first(std::move(answer)); });
  orders.fetch("o-2", [&](auto answer) { second(std::move(answer)); });
  lookups.run_posted(2);
  REQUIRE(first.snapshot);
  CHECK(first.snapshot->version == 7);
  CHECK(first.snapshot->json == order_json(order));
  CHECK_FALSE(second.snapshot);
  CHECK_FALSE(second.is_unavailable);
}

TEST_CASE("a snapshot that can't be read is not an empty one", "[lookup]") {
  Lookups lookups;
  lookups.store.put_order(sample_order("o-1"));
  lookups.store.failures = 1;
  Fetched fetched;
  StoreOrders(lookups.lookup, lookups.post).fetch("o-1", [&](auto answer) {
    fetched(std::move(answer));
  });
  lookups.run_posted(1);
  CHECK(fetched.is_unavailable);
}

TEST_CASE("look-ups of one order that wait together are read once, and a later one anew",
          "[lookup]") {
  Lookups lookups;
  lookups.store.put_order(sample_order("o-1", "user-1"));
  lookups.store.put_order(sample_order("o-2", "user-1"));
  // The worker is busy while they come.
  std::mutex busy;
  busy.lock();
  REQUIRE(lookups.pool.submit([&] { const std::lock_guard wait(busy); }));
  const StoreOrders orders(lookups.lookup, lookups.post);
  int answers = 0;
  for (int i = 0; i < 50; ++i) {
    orders.fetch(i % 2 == 0 ? "o-1" : "o-2", [&](auto answer) {
      Fetched fetched;
      fetched(std::move(answer));
      REQUIRE(fetched.snapshot);
      ++answers;
    });
  }
  busy.unlock();
  lookups.run_posted(50);
  CHECK(answers == 50);
  CHECK(lookups.store.reads == 2);
  CHECK(lookups.metrics.lookups.value() == 50);
  CHECK(lookups.metrics.lookup_reads.value() == 2);

  // Everybody who shares a read shares its encoded text.
  std::vector<const std::string*> texts;
  busy.lock();
  REQUIRE(lookups.pool.submit([&] { const std::lock_guard wait(busy); }));
  for (int i = 0; i < 2; ++i) {
    lookups.lookup.find("o-1", [&](const auto& found) {
      texts.push_back(&found.value->json());
      if (texts.size() == 2) lookups.post([] {});
    });
  }
  busy.unlock();
  lookups.run_posted(51);
  REQUIRE(texts.size() == 2);
  CHECK(texts[0] == texts[1]);
  CHECK(lookups.store.reads == 3);
}
