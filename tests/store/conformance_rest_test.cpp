// SPDX-License-Identifier: MIT
#include "backends.hpp"
#include "domain/order_json.hpp"
#include "domain/payments.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <thread>
#include <vector>

/// What the second edition's REST needs of a store: numbers, histories, searches, requests that
/// come twice, refunds.
namespace order_server {
namespace {

constexpr std::string_view secret = "a key secret";

std::set<std::string> ids_of(const OrderPage& page) {
  std::set<std::string> ids;
  for (const Order& order : page.orders) ids.insert(order.id);
  return ids;
}

using Ids = std::set<std::string>;

ChangeResult pay(Database& store, const std::string& payment_id, std::int64_t now_ms) {
  return store.change_order(
      "o-1",
      [&](const Order& order) {
        return decide_payment(order,
                              {order.razorpay_order_id, payment_id,
                               payment_signature(secret, order.razorpay_order_id, payment_id)},
                              secret);
      },
      now_ms);
}

RefundReport report(RefundStatus state, const std::string& refund_id = "rfnd_1") {
  return {"pay_1", state, refund_id, state == RefundStatus::failed ? "no" : "", 0};
}

}  // namespace

TEMPLATE_TEST_CASE("orders are numbered by organization, also of two stores at once", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.add_shop({"store-2", "org-2", "Other Shop"});
  auto elsewhere = sample_order("e-1");
  elsewhere.store_id = "store-2";
  elsewhere.organization_id = "org-2";
  CHECK(f.store.create_order(sample_order("o-1")).number == 1001);
  CHECK(f.store.create_order(elsewhere).number == 1001);
  CHECK_THROWS_AS(f.store.create_order(sample_order("o-1")), StoreError);
  const auto other = f.backend.open();
  const auto place = [](Database& store, const std::string& prefix) {
    for (int i = 0; i < 10; ++i) store.create_order(sample_order(prefix + std::to_string(i)));
  };
  std::thread beside([&] { place(*other, "b-"); });
  place(f.store, "a-");
  beside.join();
  CHECK(f.number("SELECT count(DISTINCT number_in_organization) FROM orders "
                 "WHERE organization_id = 'org-1'") == 21);
  CHECK(f.number("SELECT max(number_in_organization) FROM orders "
                 "WHERE organization_id = 'org-1'") == 1021);
}

TEMPLATE_TEST_CASE("an order is read as it was returned, with its customer, store and makers",
                   "[store]", SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.add_user({"user-1", "a@b.c", "Asha", "hash", Role::customer, "", false, "+91 1"});
  auto order = sample_order("o-1");
  order.status_logs[0].actor = {"user-1", "CUSTOMER"};
  const auto made = f.store.create_order(order);
  CHECK(made.customer.phone == "+91 1");
  CHECK(made.store.name == "Corner Shop");
  CHECK(order_json(*f.store.find_order("o-1")) == order_json(made));
  CHECK(f.store.pending_broadcasts(10).at(0).order_json == order_json(made));
  const auto changed = f.store.change_order(
      "o-1",
      [](const Order& found) -> Decision {
        auto change = std::get<Change>(
            decide_status(found, OrderStatus::confirmed, "note", {true, 1'800'000'000'000}));
        change.actor = {"manager", "ORG_ADMIN"};
        return change;
      },
      2000);
  CHECK(changed.order->estimated_ready_at_ms == 1'800'000'000'000);
  CHECK(order_json(*f.store.find_order("o-1")) == order_json(*changed.order));
  CHECK(order_json(f.store.list_orders({}).orders.at(0)) == order_json(*changed.order));
  CHECK(f.store.find_order("o-1")->status_logs.back().actor.role == "ORG_ADMIN");

  // A change without a log is only in the history.
  f.store.change_order(
      "o-1", [](const Order& found) { return decide_payment_status(found, PaymentStatus::paid); },
      3000);
  CHECK(f.store.find_order("o-1")->status_logs.size() == 2);
  const auto history = f.store.order_history("o-1", {});
  REQUIRE(history);
  REQUIRE(history->size() == 3);
  CHECK(history->at(0).actor_name == "Asha");
  CHECK(history->at(1).note == "note");
  CHECK(history->at(1).actor.id == "manager");
  CHECK(history->at(2).version == 3);
  CHECK(history->at(2).payment_status == PaymentStatus::paid);
  CHECK_FALSE(f.store.order_history("o-1", {"user-2", ""}));
  CHECK_FALSE(f.store.order_history("o-9", {}));
}

TEMPLATE_TEST_CASE("lists are filtered, searched, sorted, counted and walked through", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.add_user({"user-1", "a@b.c", "Asha Rao", "hash", Role::customer, "", false, "+91 1"});
  f.store.add_user({"user-2", "b@b.c", "100% Bela_x", "hash", Role::customer, ""});
  f.store.create_order(sample_order("first-order-1", "user-1", 1000));
  f.store.create_order(sample_order("second-order-2", "user-2", 2000));
  auto third = sample_order("third-order-3", "user-2", 3000);
  third.payment_method = PaymentMethod::cod;
  third.fulfillment_type = FulfillmentType::pickup;
  third.total_minor = 100;
  third.items[0].name = "Milk";
  f.store.create_order(third);
  f.move_to("first-order-1", OrderStatus::confirmed, 9000);

  const auto found = [&](auto&& set) {
    OrderFilter filter;
    filter.organization_id = "org-1";
    set(filter);
    const auto page = f.store.list_orders(filter);
    CHECK(page.total == f.store.count_orders(filter).total);
    return ids_of(page);
  };
  const Ids first{"first-order-1"};
  const Ids second{"second-order-2"};
  const Ids last{"third-order-3"};
  CHECK(found([](OrderFilter&) {}).size() == 3);
  CHECK(found([](OrderFilter& x) {
          x.statuses = {OrderStatus::confirmed, OrderStatus::ready};
        }) == first);
  CHECK(found([](OrderFilter& x) { x.payment_method = PaymentMethod::cod; }) == last);
  CHECK(found([](OrderFilter& x) { x.fulfillment_type = FulfillmentType::pickup; }) == last);
  CHECK(found([](OrderFilter& x) { x.payment_status = PaymentStatus::paid; }).empty());
  CHECK(found([](OrderFilter& x) { x.customer_id = "user-1"; }) == first);
  CHECK(found([](OrderFilter& x) { x.store_id = "store-2"; }).empty());
  CHECK(found([](OrderFilter& x) {
          x.created_from_ms = 2000;
          x.created_before_ms = 3000;
        }) == second);
  const auto searched = [&](const char* text) {
    return found([&](OrderFilter& x) { x.text = text; });
  };
  CHECK(searched("rao") == first);
  CHECK(searched("ASHA") == first);
  CHECK(searched("A@B") == first);
  CHECK(searched("+91") == first);
  CHECK(searched("milk") == last);
  CHECK(searched("%") == Ids{"second-order-2", "third-order-3"});
  CHECK(searched("a_x") == Ids{"second-order-2", "third-order-3"});
  CHECK(searched("\\").empty());
  CHECK(searched("1002") == second);
  CHECK(searched("#1003") == last);
  CHECK(searched("THIRD-ORDER") == last);
  CHECK(searched("third") == last);
  CHECK(searched("order-3").empty());
  CHECK(searched("bela 1002") == second);
  CHECK(searched("  #1003   bela_x ") == last);
  CHECK(searched("milk third-order") == last);
  CHECK(searched("rao 1002").empty());
  CHECK(searched("bela +91").empty());
  CHECK(searched("100% bela") == Ids{"second-order-2", "third-order-3"});
  CHECK(searched("bela 100").size() == 2);  // a part of a name, not of a number
  CHECK(searched(" ").size() == 3);
  CHECK(searched("b e l a @ . c x").size() == 2);
  CHECK(searched("b e l a @ . c x 1002").empty());  // the eighth word is all that is left

  for (const auto sort :
       {OrderSort::created_at, OrderSort::updated_at, OrderSort::total, OrderSort::number}) {
    for (const bool ascending : {false, true}) {
      OrderFilter filter;
      filter.sort = sort;
      filter.ascending = ascending;
      filter.page_size = 2;
      auto page = f.store.list_orders(filter);
      REQUIRE(page.next);
      auto seen = ids_of(page);
      filter.after = page.next;
      page = f.store.list_orders(filter);
      CHECK_FALSE(page.next);
      for (const auto& id : ids_of(page)) CHECK(seen.insert(id).second);
      CHECK(seen.size() == 3);
    }
  }
  CHECK(f.store.count_orders({}).by_status[static_cast<std::size_t>(OrderStatus::pending)] == 2);
}

TEMPLATE_TEST_CASE("a request that comes twice orders once, also of two stores at once", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  const RequestKey key{"user-1", "key-1", "digest"};
  const auto other = f.backend.open();
  CreateResult results[2];
  std::thread beside([&] { results[0] = other->create_order_once(sample_order("o-1"), key); });
  results[1] = f.store.create_order_once(sample_order("o-2"), key);
  beside.join();
  CHECK(results[0].order.has_value() != results[1].order.has_value());
  const auto& made = results[0].order ? results[0].order : results[1].order;
  const auto& again = results[0].earlier ? results[0].earlier : results[1].earlier;
  REQUIRE(again);
  CHECK(again->digest == "digest");
  CHECK(again->order_json == order_json(*made));
  CHECK(f.store.list_orders({}).total == 1);

  CHECK(f.store.find_answer("user-1", "key-1", 1000));
  CHECK_FALSE(f.store.find_answer("user-2", "key-1", 1000));
  CHECK_FALSE(f.store.find_answer("user-1", "key-1", 1000 + request_key_lifetime_ms));
  auto later = sample_order("o-3", "user-1", 1000 + request_key_lifetime_ms);
  CHECK(f.store.create_order_once(later, key).order);

  auto broken = sample_order("o-4");
  broken.items[0].product_id = "none";
  CHECK_THROWS_AS(f.store.create_order_once(broken, {"user-1", "key-2", "digest"}), StoreError);
  CHECK_FALSE(f.store.find_answer("user-1", "key-2", 1000));
  f.store.prune_outbox(1000 + 3 * request_key_lifetime_ms - dead_letter_retention_ms, 100);
  CHECK(f.number("SELECT count(*) FROM requests") == 0);
}

TEMPLATE_TEST_CASE("a refund is queued with the cancellation and ends as the provider says",
                   "[store]", SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  pay(f.store, "pay_1", 1500);
  CHECK(f.store.due_refunds(10, 2000).empty());
  CHECK_FALSE(f.store.next_refund_at(0));
  f.store.change_order("o-1", decide_cancel, 2000);
  CHECK(f.store.refund_stats(5000).waiting == 1);
  CHECK(f.store.refund_stats(5000).oldest_age_ms == 3000);
  const auto due = f.store.due_refunds(10, 2000);
  REQUIRE(due.size() == 1);
  CHECK(due[0].payment_id == "pay_1");
  CHECK(due[0].order_id == "o-1");
  CHECK(due[0].amount_minor == 500);
  f.store.postpone_refund(due[0].id, 4000, "down");
  CHECK(f.store.next_refund_at(2000) == 4000);
  CHECK(f.store.due_refunds(10, 4000).at(0).attempts == 1);

  CHECK(f.store.report_refund(report(RefundStatus::requested), 90'000, 4000).change.changed);
  CHECK(f.store.find_order("o-1")->refund_status == RefundStatus::requested);
  CHECK(f.store.due_refunds(10, 90'000).at(0).refund_id == "rfnd_1");
  CHECK(f.store.report_refund(report(RefundStatus::failed), 0, 5000).change.changed);
  CHECK(f.store.refund_stats(5000).dead == 1);
  const auto letters = f.store.list_dead_letters(10);
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].id.rfind("refund:", 0) == 0);
  CHECK(letters[0].error == "no");
  CHECK(f.store.retry_dead_letters(letters[0].id, 6000) == 1);
  const auto again = f.store.due_refunds(10, 6000);
  REQUIRE(again.size() == 1);
  CHECK(again[0].round == 1);
  CHECK(again[0].refund_id.empty());
  CHECK(f.store.report_refund(report(RefundStatus::done, "rfnd_2"), 0, 7000).change.changed);
  CHECK_FALSE(f.store.report_refund(report(RefundStatus::done, "rfnd_2"), 0, 7000).change.changed);
  const auto order = *f.store.find_order("o-1");
  CHECK(order.payment_status == PaymentStatus::refunded);
  CHECK(order.refund_status == RefundStatus::done);
  CHECK(order.version == f.store.pending_broadcasts(100).back().version);
  CHECK(f.store.refund_stats(9000).waiting == 0);
  CHECK_FALSE(f.store.next_refund_at(0));
  CHECK_FALSE(f.store.report_refund({"pay_9", RefundStatus::done, "", "", 0}, 0, 1).known_payment);
}

TEMPLATE_TEST_CASE("a refund that the staff made by hand is no dead letter any more", "[store]",
                   SqliteBackend, PostgresBackend) {
  StoreFixture<TestType> f;
  f.store.create_order(sample_order("o-1"));
  pay(f.store, "pay_1", 1500);
  f.store.change_order("o-1", decide_cancel, 2000);
  f.store.report_refund(report(RefundStatus::failed), 0, 3000);
  f.store.change_order(
      "o-1",
      [](const Order& order) { return decide_payment_status(order, PaymentStatus::refunded); },
      4000);
  CHECK(f.store.find_order("o-1")->refund_status == RefundStatus::done);
  CHECK(f.store.list_dead_letters(10).empty());
  CHECK(f.store.retry_dead_letters("", 5000) == 0);
}

}  // namespace order_server
