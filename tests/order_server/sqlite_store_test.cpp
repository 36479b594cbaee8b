// SPDX-License-Identifier: MIT
#include "store/sqlite/sqlite_store.hpp"

#include "domain/order_json.hpp"
#include "domain/transitions.hpp"
#include "store/sqlite/schema.hpp"
#include "store_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace order_server {
namespace {

using Fixture = StoreFixture;

std::vector<std::string> ids_of(const OrderPage& page) {
  std::vector<std::string> ids;
  ids.reserve(page.orders.size());
  for (const Order& order : page.orders) ids.push_back(order.id);
  return ids;
}

using Strings = std::vector<std::string>;
using Catch::Matchers::Contains;

}  // namespace

TEST_CASE("a created order reads back as it was, with version 1 and one outbox entry", "[store]") {
  Fixture f;
  Order order = sample_order("o-1");
  order.delivery_address = "1 Road";
  order.note = "it's \"fragile\"; \xE0\xA4\x9A\xE0\xA4\xBE\xE0\xA4\xAF";
  f.store.create_order(order);

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

TEST_CASE("an order created without a log is given its PENDING one", "[store]") {
  Fixture f;
  Order order = sample_order("o-1");
  order.status_logs.clear();
  f.store.create_order(order);
  const auto found = f.store.find_order("o-1");
  REQUIRE(found->status_logs.size() == 1);
  CHECK(found->status_logs[0].status == OrderStatus::pending);
  CHECK(found->status_logs[0].created_at_ms == 1000);
  CHECK(f.store.pending_broadcasts(1).at(0).order_json == order_json(*found));
}

TEST_CASE("only a new order can be created", "[store]") {
  Fixture f;
  Order later = sample_order("o-1");
  later.version = 2;
  CHECK_THROWS_AS(f.store.create_order(later), std::invalid_argument);
  Order confirmed = sample_order("o-1");
  confirmed.status = OrderStatus::confirmed;
  CHECK_THROWS_AS(f.store.create_order(confirmed), std::invalid_argument);
  CHECK_FALSE(f.store.find_order("o-1"));
}

TEST_CASE("an order that the tables refuse leaves nothing behind", "[store]") {
  Fixture f;
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

TEST_CASE("a change commits row, log, version and outbox entry together", "[store]") {
  Fixture f;
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

TEST_CASE("the versions of many orders are read at once, without those that don't exist",
          "[store]") {
  Fixture f;
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
  ids.push_back("o-1");
  CHECK_THROWS_AS(f.store.current_versions(ids), std::invalid_argument);
}

TEST_CASE("a rejection answers the order as it is and writes nothing", "[store]") {
  Fixture f;
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

TEST_CASE("no change answers the order as it is and writes nothing", "[store]") {
  Fixture f;
  f.store.create_order(sample_order("o-1"));
  const auto result = f.store.change_order(
      "o-1", [](const Order&) { return NoChange{}; }, 2000);
  REQUIRE(result.order);
  CHECK_FALSE(result.changed);
  CHECK_FALSE(result.rejection);
  CHECK(f.number("SELECT count(*) FROM outbox") == 1);
}

TEST_CASE("a change may be committed and refused at once", "[store]") {
  Fixture f;
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

TEST_CASE("which payment made an order PAID is kept through later changes", "[store]") {
  Fixture f;
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

TEST_CASE("an order that does not exist is no order and asks nobody", "[store]") {
  Fixture f;
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

TEST_CASE("a decision that throws writes nothing and leaves the store usable", "[store]") {
  Fixture f;
  f.store.create_order(sample_order("o-1"));
  const auto decide = [](const Order&) -> Decision { throw std::logic_error("no idea"); };
  CHECK_THROWS_AS(f.store.change_order("o-1", decide, 2000), std::logic_error);
  CHECK(f.store.find_order("o-1")->version == 1);
  CHECK(f.move_to("o-1", OrderStatus::confirmed).order->version == 2);
}

TEST_CASE("a change that fails at its last statement takes back the ones before it", "[store]") {
  Fixture f;
  f.store.create_order(sample_order("o-1"));
  execute_in(f.dir.file(),
             "CREATE TRIGGER full BEFORE INSERT ON outbox "
             "BEGIN SELECT RAISE(ABORT, 'the outbox is broken'); END");
  CHECK_THROWS_AS(f.move_to("o-1", OrderStatus::confirmed), StoreError);
  const auto found = f.store.find_order("o-1");
  CHECK(found->status == OrderStatus::pending);
  CHECK(found->version == 1);
  CHECK(found->status_logs.size() == 1);

  CHECK_THROWS_AS(f.store.create_order(sample_order("o-2")), StoreError);
  CHECK_FALSE(f.store.find_order("o-2"));

  execute_in(f.dir.file(), "DROP TRIGGER full");
  CHECK(f.move_to("o-1", OrderStatus::confirmed).order->version == 2);
}

TEST_CASE("a reader sees the last commit while a change is under way", "[store]") {
  Fixture f;
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

TEST_CASE("racing changes of one order have one winner each and leave no hole", "[store]") {
  Fixture f;
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

TEST_CASE("two stores on one file, as two processes have, take turns", "[store]") {
  Fixture f;
  SqliteStore other(options_for(f.dir.file()));
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

TEST_CASE("orders are listed newest first, by owner, organisation and status", "[store]") {
  Fixture f;
  f.store.add_shop({"store-2", "org-2", "Other Shop"});
  f.store.create_order(sample_order("o-1", "user-1", 1000));
  f.store.create_order(sample_order("o-2", "user-2", 3000));
  f.store.create_order(sample_order("o-3", "user-1", 2000));
  f.store.create_order(sample_order("o-4", "user-1", 2000));  // the same moment, but later
  Order elsewhere = sample_order("o-5", "user-1", 4000);
  elsewhere.store_id = "store-2";
  elsewhere.organization_id = "org-2";
  f.store.create_order(elsewhere);
  f.move_to("o-1", OrderStatus::confirmed);

  OrderFilter filter;
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-5", "o-2", "o-4", "o-3", "o-1"});
  CHECK(f.store.list_orders(filter).total == 5);
  filter.organization_id = "org-1";
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-2", "o-4", "o-3", "o-1"});
  filter.user_id = "user-1";
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-4", "o-3", "o-1"});
  filter.status = OrderStatus::confirmed;
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-1"});
  CHECK(f.store.list_orders(filter).total == 1);
  filter.user_id.clear();
  filter.status = OrderStatus::pending;
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-2", "o-4", "o-3"});
  filter.organization_id.clear();
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-5", "o-2", "o-4", "o-3"});

  const auto listed = f.store.list_orders(filter).orders.at(1);
  CHECK(order_json(listed) == order_json(*f.store.find_order("o-2")));
}

TEST_CASE("a listing is cut into pages, and any page number is harmless", "[store]") {
  Fixture f;
  for (int i = 1; i <= 5; ++i) {
    f.store.create_order(sample_order("o-" + std::to_string(i), "user-1", i));
  }
  OrderFilter filter;
  filter.page_size = 2;
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-5", "o-4"});
  filter.page = 3;
  CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-1"});
  CHECK(f.store.list_orders(filter).total == 5);
  for (const std::int64_t page : {std::int64_t{4}, std::numeric_limits<std::int64_t>::max()}) {
    filter.page = page;
    CHECK(f.store.list_orders(filter).orders.empty());
    CHECK(f.store.list_orders(filter).total == 5);
  }
  for (const std::int64_t page : {std::int64_t{0}, std::numeric_limits<std::int64_t>::min()}) {
    filter.page = page;
    CHECK(ids_of(f.store.list_orders(filter)) == Strings{"o-5", "o-4"});
  }
  filter.page = 2;
  filter.page_size = std::numeric_limits<std::int64_t>::max();
  CHECK(f.store.list_orders(filter).orders.empty());
}

TEST_CASE("an order's times never go back, whatever the clock does", "[store]") {
  Fixture f;
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
