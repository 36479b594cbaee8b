// SPDX-License-Identifier: MIT
#include "store/sqlite_store.hpp"

#include "domain/order_json.hpp"
#include "domain/transitions.hpp"
#include "store/sqlite_schema.hpp"
#include "temp_store.hpp"

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

/// An open store with one shop, in a folder of its own.
struct Fixture {
  TempDir dir;
  SqliteStore store{options_for(dir.file())};

  Fixture() { add_sample_shop(store); }

  ChangeResult move_to(const std::string& id, OrderStatus status, std::int64_t now_ms = 2000) {
    return store.change_order(
        id, [status](const Order& order) { return decide_status(order, status, "a note"); },
        now_ms);
  }
  std::int64_t number(const char* sql) const { return number_in(dir.file(), sql); }
};

std::vector<std::string> ids_of(const OrderPage& page) {
  std::vector<std::string> ids;
  ids.reserve(page.orders.size());
  for (const Order& order : page.orders) ids.push_back(order.id);
  return ids;
}

std::vector<std::int64_t> sequences_of(const std::vector<OutboxEntry>& entries) {
  std::vector<std::int64_t> sequences;
  sequences.reserve(entries.size());
  for (const OutboxEntry& entry : entries) sequences.push_back(entry.sequence);
  return sequences;
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

TEST_CASE("the outbox gives out what is not broadcast, in commit order", "[store][outbox]") {
  Fixture f;
  f.store.create_order(sample_order("o-1"));
  f.store.create_order(sample_order("o-2"));
  f.move_to("o-2", OrderStatus::confirmed);
  f.move_to("o-1", OrderStatus::confirmed);

  const auto first = f.store.pending_broadcasts(3);
  REQUIRE(first.size() == 3);
  CHECK(std::is_sorted(first.begin(), first.end(),
                       [](const auto& a, const auto& b) { return a.sequence < b.sequence; }));
  CHECK(first[0].order_id == "o-1");
  CHECK(first[2].order_id == "o-2");
  CHECK(first[2].version == 2);

  f.store.mark_broadcast(sequences_of(first));
  const auto rest = f.store.pending_broadcasts(3);
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].order_id == "o-1");
  CHECK(rest[0].version == 2);
  f.store.mark_broadcast(sequences_of(rest));
  f.store.mark_broadcast({});
  CHECK(f.store.pending_broadcasts(3).empty());
}

TEST_CASE("the outbox's depth and age are of what waits", "[store][outbox]") {
  Fixture f;
  CHECK(f.store.outbox_stats(5000).depth == 0);
  CHECK(f.store.outbox_stats(5000).oldest_age_ms == 0);
  f.store.create_order(sample_order("o-1", "user-1", 1000));
  f.store.create_order(sample_order("o-2", "user-1", 4000));
  CHECK(f.store.outbox_stats(5000).depth == 2);
  CHECK(f.store.outbox_stats(5000).oldest_age_ms == 4000);
  CHECK(f.store.outbox_stats(10).oldest_age_ms == 0);  // a clock that was set back
  f.store.mark_broadcast({f.store.pending_broadcasts(1).at(0).sequence});
  CHECK(f.store.outbox_stats(5000).depth == 1);
  CHECK(f.store.outbox_stats(5000).oldest_age_ms == 1000);
}

TEST_CASE("pruning deletes what both consumers have taken, and no more than asked",
          "[store][outbox]") {
  Fixture f;
  for (int i = 1; i <= 4; ++i) f.store.create_order(sample_order("o-" + std::to_string(i)));
  auto sequences = sequences_of(f.store.pending_broadcasts(10));
  REQUIRE(sequences.size() == 4);
  sequences.erase(sequences.begin());  // the oldest is never broadcast
  f.store.mark_broadcast(sequences);
  CHECK(f.store.prune_outbox(5000, 100) == 0);  // push has not looked yet
  CHECK(f.store.queue_pushes(3, 5000) == 3);

  CHECK(f.store.prune_outbox(5000, 0) == 0);
  CHECK(f.store.prune_outbox(5000, 1) == 1);
  CHECK(f.store.prune_outbox(5000, 100) == 1);
  CHECK(f.store.prune_outbox(5000, 100) == 0);
  CHECK(f.number("SELECT count(*) FROM outbox WHERE order_id IN ('o-1', 'o-4')") == 2);
  CHECK(f.store.pending_broadcasts(10).size() == 1);
}

TEST_CASE("a sequence is never given twice, not even after pruning", "[store][outbox]") {
  Fixture f;
  f.store.create_order(sample_order("o-1"));
  const auto last = f.store.pending_broadcasts(1).at(0).sequence;
  f.store.mark_broadcast({last});
  CHECK(f.store.queue_pushes(10, 5000) == 1);
  CHECK(f.store.prune_outbox(5000, 10) == 1);
  f.move_to("o-1", OrderStatus::confirmed);
  CHECK(f.store.pending_broadcasts(1).at(0).sequence > last);
}

TEST_CASE("users are found by id and by email in any case", "[store]") {
  Fixture f;
  CHECK(f.store.empty());
  f.store.add_user({"u-1", "Ada@Example.org", "Ada", "hash", ordercast::Role::org_admin, "org-1"});
  CHECK_FALSE(f.store.empty());
  const auto user = f.store.find_user_by_email("ada@example.ORG");
  REQUIRE(user);
  CHECK(user->id == "u-1");
  CHECK(user->email == "Ada@Example.org");
  CHECK(user->name == "Ada");
  CHECK(user->password_hash == "hash");
  CHECK(user->role == ordercast::Role::org_admin);
  CHECK(user->organization_id == "org-1");
  CHECK(f.store.find_user("u-1")->email == user->email);
  CHECK_FALSE(f.store.find_user("u-2"));
  CHECK_FALSE(f.store.find_user_by_email("' OR 1=1 --"));
}

TEST_CASE("an email belongs to one user, and the error does not tell it", "[store]") {
  Fixture f;
  f.store.add_user({"u-1", "ada@example.org", "Ada", "hash", ordercast::Role::customer, ""});
  try {
    f.store.add_user({"u-2", "ADA@example.org", "Ada", "hash", ordercast::Role::customer, ""});
    FAIL("a second user with the same email");
  } catch (const StoreError& error) {
    CHECK_THAT(error.what(),
               Contains("cannot insert in") && Contains(f.dir.file()) && Contains("users.email"));
    CHECK_THAT(error.what(), !Contains("example.org"));
  }
  CHECK_FALSE(f.store.find_user("u-2"));
}

TEST_CASE("shops and products are listed and found", "[store]") {
  Fixture f;
  f.store.add_shop({"store-2", "org-2", "Other Shop"});
  f.store.add_product({"product-2", "store-2", "Salt", 5});
  REQUIRE(f.store.list_shops().size() == 2);
  CHECK(f.store.list_shops()[1].organization_id == "org-2");
  CHECK(f.store.find_shop("store-1")->name == "Corner Shop");
  CHECK_FALSE(f.store.find_shop("store-3"));
  CHECK(f.store.list_products("").size() == 2);
  REQUIRE(f.store.list_products("store-2").size() == 1);
  CHECK(f.store.list_products("store-2")[0].price_minor == 5);
  CHECK(f.store.list_products("store-3").empty());
  CHECK_THROWS_AS(f.store.add_product({"product-3", "store-3", "Air", 1}), StoreError);
}

TEST_CASE("a device belongs to whoever registered it last", "[store][devices]") {
  Fixture f;
  f.store.add_device("user-1", "token-1", "android", 1000);
  f.store.add_device("user-1", "token-1", "android", 2000);
  CHECK(f.number("SELECT count(*) FROM devices") == 1);
  f.store.add_device("user-2", "token-1", "ios", 3000);
  f.store.remove_device("user-1", "token-1");
  CHECK(f.number("SELECT count(*) FROM devices WHERE user_id = 'user-2' AND platform = 'ios'") ==
        1);
  f.store.remove_device("user-2", "token-1");
  f.store.remove_device("user-2", "token-1");
  CHECK(f.number("SELECT count(*) FROM devices") == 0);
}

TEST_CASE("a user's devices are bounded, and the longest unseen is forgotten", "[store][devices]") {
  Fixture f;
  f.store.add_device("user-2", "other", "android", 0);
  for (int i = 0; i < max_devices_per_user + 1; ++i) {
    f.store.add_device("user-1", "token-" + std::to_string(i), "android", 1000 + i);
  }
  CHECK(f.number("SELECT count(*) FROM devices WHERE user_id = 'user-1'") == max_devices_per_user);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'token-0'") == 0);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'other'") == 1);
}

TEST_CASE("filling writes everything or nothing, and only into an empty store", "[store]") {
  TempDir dir;
  SqliteStore store(options_for(dir.file()));
  DemoData data;
  data.users.push_back({"u-1", "a@b.c", "A", "hash", ordercast::Role::customer, ""});
  data.shops.push_back({"store-1", "org-1", "Corner Shop"});
  data.products.push_back({"product-1", "store-1", "Tea", 250});
  data.orders = {sample_order("o-1"), sample_order("o-2")};
  data.orders[1].items[0].product_id = "no-such-product";

  CHECK_THROWS_AS(store.fill(data), StoreError);
  CHECK(store.empty());
  CHECK(store.list_shops().empty());
  CHECK_FALSE(store.find_order("o-1"));

  data.orders.pop_back();
  CHECK(store.fill(data));
  CHECK(store.find_order("o-1"));
  CHECK(store.pending_broadcasts(10).empty());
  CHECK_FALSE(store.fill(data));
}

TEST_CASE("everything is there again when the file is opened again", "[store]") {
  TempDir dir;
  std::string before;
  {
    SqliteStore store(options_for(dir.file()));
    add_sample_shop(store);
    store.create_order(sample_order("o-1"));
    before = order_json(*store.find_order("o-1"));
  }
  CHECK_FALSE(std::filesystem::exists(dir.file() + "-wal"));  // closed in good order
  SqliteStore store(options_for(dir.file()));
  CHECK(order_json(*store.find_order("o-1")) == before);
  CHECK(store.pending_broadcasts(10).size() == 1);
  CHECK_NOTHROW(store.check());
}

TEST_CASE("the tables are strict, and their version is written down", "[store]") {
  Fixture f;
  CHECK(f.number("SELECT count(*) FROM pragma_table_list "
                 "WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND strict = 0") == 0);
  CHECK(f.number("PRAGMA user_version") == sqlite::schema_version);
  CHECK(text_in(f.dir.file(), "PRAGMA journal_mode") == "wal");
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

TEST_CASE("a device that registers after the clock went back is not the first to be forgotten",
          "[store]") {
  Fixture f;
  for (std::int64_t i = 0; i < max_devices_per_user; ++i) {
    f.store.add_device("user-1", "token-" + std::to_string(i), "ios", 10'000 + i);
  }
  f.store.add_device("user-1", "newest", "ios", 500);
  CHECK(f.number("SELECT count(*) FROM devices") == max_devices_per_user);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'newest'") == 1);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'token-0'") == 0);
  // One that comes again is seen again.
  f.store.add_device("user-1", "token-1", "ios", 400);
  f.store.add_device("user-1", "one more", "ios", 300);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'token-1'") == 1);
  CHECK(f.number("SELECT count(*) FROM devices WHERE token = 'token-2'") == 0);
}

}  // namespace order_server
