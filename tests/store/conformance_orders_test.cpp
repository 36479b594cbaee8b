// SPDX-License-Identifier: MIT
#include "backends.hpp"
#include "domain/order_json.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace order_server {

TEMPLATE_TEST_CASE("a created order reads back as it was, with version 1 and one outbox entry",
                   "[store]", SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  Order order = sample_order("o-1");
  order.delivery_address = "1 Road";
  order.note = "it's \"fragile\"; \xE0\xA4\x9A\xE0\xA4\xBE\xE0\xA4\xAF";
  order = f.store.create_order(order);
  CHECK(order.note == "it's \"fragile\"; \xE0\xA4\x9A\xE0\xA4\xBE\xE0\xA4\xAF");

  const auto found = f.store.find_order("o-1");
  REQUIRE(found);
  CHECK(order_json(*found) == order_json(order));
  CHECK(found->version == 1);

  const auto entries = f.store.pending_broadcasts(10);
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].order_id == "o-1");
  CHECK(entries[0].owner_id == "user-1");
  CHECK(entries[0].organization_id == "org-1");
  CHECK(entries[0].status == "PENDING");
  CHECK(entries[0].version == 1);
  CHECK(entries[0].order_json == order_json(order));
  CHECK(entries[0].created_at_ms == 1000);
}

TEMPLATE_TEST_CASE("an order created without a log is given its PENDING one", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  Order order = sample_order("o-1");
  order.status_logs.clear();
  f.store.create_order(order);
  const auto found = f.store.find_order("o-1");
  REQUIRE(found->status_logs.size() == 1);
  CHECK(found->status_logs[0].status == OrderStatus::pending);
  CHECK(found->status_logs[0].created_at_ms == 1000);
  CHECK(f.store.pending_broadcasts(1).at(0).order_json == order_json(*found));
}

TEMPLATE_TEST_CASE("only a new order can be created", "[store]", SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  Order later = sample_order("o-1");
  later.version = 2;
  CHECK_THROWS_AS(f.store.create_order(later), std::invalid_argument);
  Order confirmed = sample_order("o-1");
  confirmed.status = OrderStatus::confirmed;
  CHECK_THROWS_AS(f.store.create_order(confirmed), std::invalid_argument);
  CHECK_FALSE(f.store.find_order("o-1"));
}

TEMPLATE_TEST_CASE("an order that the tables refuse leaves nothing behind", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  Order order = sample_order("o-1");
  order.items.push_back({"item-2", "product-1", "Tea", 0, 250});  // no quantity
  CHECK_THROWS_AS(f.store.create_order(order), StoreError);
  order = sample_order("o-1");
  order.store_id = "no-such-store";
  CHECK_THROWS_AS(f.store.create_order(order), StoreError);
  CHECK_FALSE(f.store.find_order("o-1"));
  CHECK(f.number("SELECT count(*) FROM order_items") == 0);
  CHECK(f.number("SELECT count(*) FROM status_logs") == 0);
  CHECK(f.number("SELECT count(*) FROM outbox") == 0);

  f.store.create_order(sample_order("o-1"));
  CHECK_THROWS_AS(f.store.create_order(sample_order("o-1")), StoreError);
  CHECK(f.number("SELECT count(*) FROM outbox") == 1);
}

TEMPLATE_TEST_CASE("a change commits row, log, version and outbox entry together", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  const ChangeResult result = f.move_to("o-1", OrderStatus::confirmed, 2345);
  REQUIRE(result.order);
  CHECK(result.changed);
  CHECK_FALSE(result.rejection);
  CHECK(result.order->version == 2);
  CHECK(result.order->status == OrderStatus::confirmed);
  CHECK(result.order->updated_at_ms == 2345);
  CHECK(result.order->created_at_ms == 1000);
  REQUIRE(result.order->status_logs.size() == 2);
  CHECK(result.order->status_logs[1].status == OrderStatus::confirmed);
  CHECK(result.order->status_logs[1].note == "a note");

  CHECK(order_json(*f.store.find_order("o-1")) == order_json(*result.order));
  const auto entries = f.store.pending_broadcasts(10);
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].sequence < entries[1].sequence);
  CHECK(entries[1].version == 2);
  CHECK(entries[1].status == "CONFIRMED");
  CHECK(entries[1].order_json == order_json(*result.order));
}

TEMPLATE_TEST_CASE("the versions of many orders are read at once, without those that don't exist",
                   "[store]", SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  f.store.create_order(sample_order("o-2", "user-2"));
  f.move_to("o-2", OrderStatus::confirmed);
  CHECK(f.store.current_versions({}).empty());
  auto versions = f.store.current_versions({"o-2", "no-such-order", "o-1", std::string(1, '\0')});
  std::sort(versions.begin(), versions.end(),
            [](const auto& a, const auto& b) { return a.order_id < b.order_id; });
  REQUIRE(versions.size() == 2);
  CHECK(versions[0].order_id == "o-1");
  CHECK(versions[0].version == 1);
  CHECK(versions[0].status == "PENDING");
  CHECK(versions[1].order_id == "o-2");
  CHECK(versions[1].version == 2);
  CHECK(versions[1].user_id == "user-2");
  CHECK(versions[1].organization_id == "org-1");
  CHECK(versions[1].status == "CONFIRMED");

  std::vector<std::string> ids(max_versions_at_once, "o-1");
  CHECK_FALSE(f.store.current_versions(ids).empty());
  ids.emplace_back("o-1");
  CHECK_THROWS_AS(f.store.current_versions(ids), std::invalid_argument);
}

TEMPLATE_TEST_CASE("a rejection answers the order as it is and writes nothing", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  const ChangeResult result = f.move_to("o-1", OrderStatus::delivered);
  REQUIRE(result.order);
  CHECK_FALSE(result.changed);
  REQUIRE(result.rejection);
  CHECK(result.rejection->error == "Invalid Transition");
  CHECK(result.order->version == 1);
  CHECK(f.store.find_order("o-1")->version == 1);
  CHECK(f.number("SELECT count(*) FROM outbox") == 1);
}

TEMPLATE_TEST_CASE("no change answers the order as it is and writes nothing", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  const auto result = f.store.change_order(
      "o-1", [](const Order&) { return NoChange{}; }, 2000);
  REQUIRE(result.order);
  CHECK_FALSE(result.changed);
  CHECK_FALSE(result.rejection);
  CHECK(f.number("SELECT count(*) FROM outbox") == 1);
}

TEMPLATE_TEST_CASE("a change may be committed and refused at once", "[store]", SqliteBackend,
                   PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  const auto fail_payment = [](const Order& order) -> Decision {
    Change change = change_from(order);
    change.payment_status = PaymentStatus::failed;
    change.write_log = false;
    change.rejection = Rejection{400, "Payment verification failed", ""};
    return change;
  };
  const ChangeResult result = f.store.change_order("o-1", fail_payment, 2000);
  CHECK(result.changed);
  REQUIRE(result.rejection);
  CHECK(result.rejection->error == "Payment verification failed");
  const auto found = f.store.find_order("o-1");
  CHECK(found->payment_status == PaymentStatus::failed);
  CHECK(found->version == 2);
  CHECK(found->status_logs.size() == 1);
  CHECK(f.store.pending_broadcasts(10).size() == 2);
}

TEMPLATE_TEST_CASE("which payment made an order PAID is kept through later changes", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  const auto pay = [](const Order& order) -> Decision {
    Change change = change_from(order);
    change.status = OrderStatus::confirmed;
    change.payment_status = PaymentStatus::paid;
    change.razorpay_payment_id = "pay_1";
    return change;
  };
  CHECK(f.store.change_order("o-1", pay, 2000).changed);
  CHECK(f.move_to("o-1", OrderStatus::preparing).changed);
  const auto found = f.store.find_order("o-1");
  CHECK(found->razorpay_payment_id == "pay_1");
  CHECK(found->payment_status == PaymentStatus::paid);
}

TEMPLATE_TEST_CASE("for an order that does not exist no decision is asked", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  bool is_asked = false;
  const auto result = f.store.change_order(
      "o-1",
      [&is_asked](const Order&) {
        is_asked = true;
        return NoChange{};
      },
      2000);
  CHECK_FALSE(result.order);
  CHECK_FALSE(is_asked);
  CHECK_FALSE(f.store.find_order("o-1"));
}

TEMPLATE_TEST_CASE("a decision that throws writes nothing and leaves the store usable", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  const auto decide = [](const Order&) -> Decision { throw std::logic_error("no idea"); };
  CHECK_THROWS_AS(f.store.change_order("o-1", decide, 2000), std::logic_error);
  CHECK(f.store.find_order("o-1")->version == 1);
  CHECK(f.move_to("o-1", OrderStatus::confirmed).order->version == 2);
}

TEMPLATE_TEST_CASE("a change that fails at its last statement takes back the ones before it",
                   "[store]", SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  f.backend.break_outbox();
  CHECK_THROWS_AS(f.move_to("o-1", OrderStatus::confirmed), StoreError);
  const auto found = f.store.find_order("o-1");
  CHECK(found->status == OrderStatus::pending);
  CHECK(found->version == 1);
  CHECK(found->status_logs.size() == 1);

  CHECK_THROWS_AS(f.store.create_order(sample_order("o-2")), StoreError);
  CHECK_FALSE(f.store.find_order("o-2"));

  f.backend.mend_outbox();
  CHECK(f.move_to("o-1", OrderStatus::confirmed).order->version == 2);
}

TEMPLATE_TEST_CASE("a reader sees the last commit while a change is under way", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  std::uint64_t seen = 0;
  f.store.change_order(
      "o-1",
      [&](const Order& order) {
        // Another thread's read, as an order source's would be; it must not wait for the writer.
        std::thread([&] { seen = f.store.find_order("o-1")->version; }).join();
        return decide_status(order, OrderStatus::confirmed);
      },
      2000);
  CHECK(seen == 1);
  CHECK(f.store.find_order("o-1")->version == 2);
}

TEMPLATE_TEST_CASE("racing changes of one order have one winner each and leave no hole", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  const std::vector<OrderStatus> path{OrderStatus::confirmed, OrderStatus::preparing,
                                      OrderStatus::ready, OrderStatus::out_for_delivery,
                                      OrderStatus::delivered};
  constexpr std::size_t thread_count = 8;
  std::vector<std::atomic<int>> winners(path.size());
  std::atomic<int> failures{0};
  std::atomic<std::size_t> reads{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < thread_count; ++t) {
    threads.emplace_back([&] {
      try {
        // Everyone tries every step until the order is past it, as impatient clerks do.
        for (std::size_t step = 0; step < path.size(); ++step) {
          const ChangeResult result = f.move_to("o-1", path[step]);
          if (result.changed) ++winners[step];
          reads += f.store.find_order("o-1")->status_logs.size() > step ? 1 : 0;
        }
      } catch (...) {
        ++failures;  // Catch2's macros are for the main thread
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  CHECK(failures == 0);
  CHECK(reads == thread_count * path.size());
  for (const auto& count : winners) CHECK(count == 1);
  const auto order = f.store.find_order("o-1");
  CHECK(order->status == OrderStatus::delivered);
  CHECK(order->version == path.size() + 1);
  REQUIRE(order->status_logs.size() == path.size() + 1);
  for (std::size_t i = 0; i < path.size(); ++i) CHECK(order->status_logs[i + 1].status == path[i]);
  const auto entries = f.store.pending_broadcasts(100);
  REQUIRE(entries.size() == path.size() + 1);
  for (std::size_t i = 0; i < entries.size(); ++i) CHECK(entries[i].version == i + 1);
}

TEMPLATE_TEST_CASE("two stores on one database, as two processes have, take turns", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  const auto opened = f.backend.open();
  Database& other = *opened;
  f.store.create_order(sample_order("o-1"));
  std::atomic<int> failures{0};
  const auto work = [&failures](Store& store) {
    try {
      for (int i = 0; i < 50; ++i) {
        store.change_order(
            "o-1", [](const Order& order) { return change_from(order); }, 2000);
      }
    } catch (const std::exception&) {
      ++failures;
    }
  };
  std::thread first(work, std::ref(f.store));
  std::thread second(work, std::ref(other));
  first.join();
  second.join();
  CHECK(failures == 0);
  CHECK(other.find_order("o-1")->version == 101);
  CHECK(f.store.find_order("o-1")->status_logs.size() == 101);
}

TEMPLATE_TEST_CASE("an order's times never go back, whatever the clock does", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1", "user-1", 5000));
  const auto check = [&](std::int64_t updated_at_ms) {
    const Order order = *f.store.find_order("o-1");
    CHECK(order.updated_at_ms == updated_at_ms);
    CHECK(order.updated_at_ms >= order.created_at_ms);
    for (std::size_t i = 1; i < order.status_logs.size(); ++i) {
      CHECK(order.status_logs[i - 1].created_at_ms <= order.status_logs[i].created_at_ms);
    }
    CHECK(order.status_logs.back().created_at_ms <= order.updated_at_ms);
  };
  f.move_to("o-1", OrderStatus::confirmed, 1000);  // an hour was taken back
  check(5000);
  f.move_to("o-1", OrderStatus::preparing, 9000);
  check(9000);
  f.store.change_order(
      "o-1", [](const Order& order) { return change_from(order); }, 2000);
  check(9000);
  f.store.apply_payment_event(
      {"event-1", "digest"}, "order_o-1", [](const Order& order) { return change_from(order); },
      3000);
  check(9000);
  CHECK(f.store.pending_broadcasts(10).size() == 5);
}

}  // namespace order_server
