// SPDX-License-Identifier: MIT
#include "realtime/order_lookup.hpp"

#include "faulty_store.hpp"
#include "realtime/services.hpp"
#include "temp_store.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
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
    StoreAuthorizer(lookup, post).authorize(who, order_id, [&](ordercast::Access given) {
      REQUIRE_FALSE(answer);
      answer = given;
    });
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

TEST_CASE("ten thousand look-ups of one user cost another user one turn", "[lookup]") {
  Lookups lookups(20'000);
  std::mutex busy;
  busy.lock();
  REQUIRE(lookups.pool.submit([&] { const std::lock_guard wait(busy); }));
  constexpr int many = 10'000;
  std::vector<std::string> answered;  // the worker's
  const auto ask = [&](const std::string& user, const std::string& order) {
    lookups.lookup.find_owner(user, order, [&, user, order](const ReadResult<OrderOwner>& found) {
      CHECK(found.is_available);
      answered.push_back(user + " " + order);
    });
  };
  for (int i = 0; i < many; ++i) ask("flood", "o-" + std::to_string(i));
  ask("other", "mine");
  // An order that the flood asks for as well, far back in its queue.
  ask("other", "o-9999");
  busy.unlock();
  lookups.pool.stop();
  REQUIRE(answered.size() == many + 2);
  const auto place = [&](const char* text) {
    return std::find(answered.begin(), answered.end(), text) - answered.begin();
  };
  CHECK(place("other mine") <= 2);
  CHECK(place("other o-9999") <= 6);
  // It was read once for both; the flood's own turn had nothing left to do.
  CHECK(place("flood o-9999") <= 6);
  CHECK(lookups.metrics.lookup_reads.value() == many + 1);
}

TEST_CASE("a full queue gives up the newest look-up of who has most, for that user alone",
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
    lookups.lookup.find_owner(user, order, [&, user, order](const ReadResult<OrderOwner>& found) {
      (found.is_available ? answered : unavailable).push_back(user + " " + order);
    });
  };
  for (const char* order : {"o-1", "o-2", "o-3"}) ask("flood", order);
  ask("other", "o-3");
  ask("third", "o-9");  // is above the limit
  CHECK(unavailable == std::vector<std::string>{"flood o-3"});
  busy.unlock();
  lookups.pool.stop();
  CHECK(answered.size() == 4);
  CHECK(std::count(answered.begin(), answered.end(), "other o-3") == 1);
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
