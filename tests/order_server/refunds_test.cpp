// SPDX-License-Identifier: MIT
#include "domain/refunds.hpp"

#include "refund_fixture.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <variant>

/// Money that goes back: the rules and the queue.
namespace order_server {
namespace {

using Catch::Matchers::Contains;

Order paid_order() {
  Order order = sample_order("o-1");
  order.status = OrderStatus::confirmed;
  order.payment_status = PaymentStatus::paid;
  order.razorpay_payment_id = "pay_1";
  return order;
}

Change change_of(const Decision& decision) {
  REQUIRE(std::holds_alternative<Change>(decision));
  return std::get<Change>(decision);
}

RefundReport report(RefundStatus state, const std::string& payment_id = "pay_1",
                    const std::string& refund_id = "rfnd_1") {
  return {payment_id, state, refund_id, state == RefundStatus::failed ? "no" : "", 0};
}

}  // namespace

// ---- Rules -------------------------------------------------------------------------------------

TEST_CASE("a cancelled order gives back what the provider has captured, and nothing else",
          "[refunds]") {
  const auto by_customer = change_of(decide_cancel(paid_order()));
  const auto by_staff = change_of(decide_status(paid_order(), OrderStatus::cancelled));
  for (const auto& change : {by_customer, by_staff}) {
    CHECK(change.refund_status == RefundStatus::due);
    CHECK(change.refund_payment_id == "pay_1");
    CHECK(change.payment_status == PaymentStatus::paid);
  }
  Order by_hand = paid_order();
  by_hand.razorpay_payment_id.clear();
  Order open = paid_order();
  open.payment_status = PaymentStatus::pending;
  Order returned = paid_order();
  returned.payment_status = PaymentStatus::refunded;
  for (const auto& order : {by_hand, open, returned}) {
    const auto change = change_of(decide_cancel(order));
    CHECK_FALSE(change.refund_status);
    CHECK(change.refund_payment_id.empty());
    CHECK(change.payment_status == order.payment_status);
  }
  CHECK_FALSE(change_of(decide_status(paid_order(), OrderStatus::preparing)).refund_status);
}

TEST_CASE("a refund goes from DUE to REQUESTED to DONE, or to FAILED", "[refunds]") {
  Order order = paid_order();
  order.status = OrderStatus::cancelled;
  order.refund_status = RefundStatus::due;
  const auto requested = change_of(decide_refund(order, report(RefundStatus::requested)));
  CHECK(requested.refund_status == RefundStatus::requested);
  CHECK(requested.payment_status == PaymentStatus::paid);
  CHECK_FALSE(requested.write_log);
  CHECK(requested.actor.role == provider_role);

  const auto done = change_of(decide_refund(order, report(RefundStatus::done)));
  CHECK(done.refund_status == RefundStatus::done);
  CHECK(done.payment_status == PaymentStatus::refunded);
  CHECK(done.status == OrderStatus::cancelled);

  const auto failed = change_of(decide_refund(order, report(RefundStatus::failed)));
  CHECK(failed.refund_status == RefundStatus::failed);
  CHECK(failed.payment_status == PaymentStatus::paid);

  order = apply_change(order, done, 5000);
  for (const auto state : {RefundStatus::requested, RefundStatus::done, RefundStatus::failed}) {
    CHECK(std::holds_alternative<NoChange>(decide_refund(order, report(state))));
  }
}

TEST_CASE("a second payment goes back without a word on the order's own", "[refunds]") {
  const Order order = paid_order();
  CHECK(std::holds_alternative<NoChange>(
      decide_refund(order, report(RefundStatus::requested, "pay_2"))));
  for (const auto state : {RefundStatus::done, RefundStatus::failed}) {
    const auto change = change_of(decide_refund(order, report(state, "pay_2")));
    CHECK(change.payment_status == PaymentStatus::paid);
    CHECK_FALSE(change.refund_status);
    CHECK_THAT(change.log_note, Contains("pay_2"));
  }
}

TEST_CASE("the staff can't end a refund that is on its way, and ends one that failed",
          "[refunds]") {
  Order order = paid_order();
  order.status = OrderStatus::cancelled;
  for (const auto state : {RefundStatus::due, RefundStatus::requested}) {
    order.refund_status = state;
    const auto decision = decide_payment_status(order, PaymentStatus::refunded);
    REQUIRE(std::holds_alternative<Rejection>(decision));
    CHECK(std::get<Rejection>(decision).status_code == 400);
  }
  order.refund_status = RefundStatus::failed;
  const auto change = change_of(decide_payment_status(order, PaymentStatus::refunded));
  CHECK(change.refund_status == RefundStatus::done);
}

// ---- The queue ---------------------------------------------------------------------------------

TEST_CASE("a cancellation queues the refund in its own transaction, once", "[refunds][store]") {
  RefundFixture f;
  CHECK(f.store.due_refunds(10, 5000).empty());
  const auto cancelled = f.cancel();
  REQUIRE(cancelled.changed);
  CHECK(cancelled.order->refund_status == RefundStatus::due);
  CHECK(f.order().refund_status == RefundStatus::due);
  const auto due = f.store.due_refunds(10, 5000);
  REQUIRE(due.size() == 1);
  CHECK(due[0].order_id == "o-1");
  CHECK(due[0].payment_id == "pay_1");
  CHECK(due[0].amount_minor == 500);
  CHECK(due[0].refund_id.empty());
  CHECK(f.store.refund_stats(5000).waiting == 1);
  CHECK(f.store.refund_stats(5000).oldest_age_ms == 3000);
  CHECK_FALSE(f.cancel().changed);
  CHECK(f.store.due_refunds(10, 5000).size() == 1);
}

TEST_CASE("a payment that comes after the cancellation goes back", "[refunds][store]") {
  StoreFixture f;
  f.store.create_order(sample_order("o-1"));
  f.store.change_order("o-1", decide_cancel, 2000);
  CHECK(f.store.due_refunds(10, 5000).empty());
  f.store.change_order(
      "o-1",
      [](const Order& order) {
        return decide_captured_payment(order,
                                       {"pay_1", 500, std::string("INR"), "captured", true, 0, ""});
      },
      2500);
  CHECK(f.store.find_order("o-1")->refund_status == RefundStatus::due);
  CHECK(f.store.due_refunds(10, 5000).empty());  // who has just paid sees it first
  CHECK(f.store.due_refunds(10, 12'500).size() == 1);
}

TEST_CASE("a second payment is queued, and the order stays PAID", "[refunds][store]") {
  RefundFixture f;
  CHECK(f.pay("pay_2", 1800).rejection);
  CHECK(f.pay("pay_2", 1900).rejection);
  const auto due = f.store.due_refunds(10, 12'000);
  REQUIRE(due.size() == 1);
  CHECK(due[0].payment_id == "pay_2");
  const auto version = f.order().version;
  CHECK_FALSE(
      f.store.report_refund(report(RefundStatus::requested, "pay_2"), 9000, 2000).change.changed);
  CHECK(f.store.report_refund(report(RefundStatus::done, "pay_2"), 0, 2100).change.changed);
  CHECK(f.order().version == version + 1);
  CHECK(f.order().payment_status == PaymentStatus::paid);
  CHECK_FALSE(f.order().refund_status);
  CHECK(f.store.due_refunds(10, 12'000).empty());
}

TEST_CASE("each step of a refund is a version that is broadcast", "[refunds][store]") {
  RefundFixture f;
  f.cancel();
  const auto before = f.order().version;
  CHECK(f.store.report_refund(report(RefundStatus::requested), 60'000, 3000).change.changed);
  CHECK(f.order().refund_status == RefundStatus::requested);
  CHECK(f.store.due_refunds(10, 5000).empty());
  CHECK(f.store.next_refund_at(5000) == 60'000);
  CHECK(f.store.due_refunds(10, 60'000).at(0).refund_id == "rfnd_1");
  CHECK(f.store.report_refund(report(RefundStatus::done), 0, 4000).change.changed);
  CHECK(f.order().payment_status == PaymentStatus::refunded);
  CHECK(f.order().refund_status == RefundStatus::done);
  CHECK(f.order().version == before + 2);
  CHECK(f.store.pending_broadcasts(100).back().version == before + 2);
  CHECK(f.store.next_refund_at(0) == std::nullopt);
  CHECK(f.order().status_logs.back().actor.role == provider_role);

  const auto history = f.store.order_history("o-1", {});
  REQUIRE(history);
  CHECK(history->size() == f.order().version);
  CHECK(history->back().payment_status == PaymentStatus::refunded);
}

TEST_CASE("what ended stays as it ended, in whatever sequence the provider says it",
          "[refunds][store]") {
  RefundFixture f;
  f.cancel();
  const auto says = [&](RefundStatus state, const std::string& refund_id = "rfnd_1") {
    return f.store.report_refund(report(state, "pay_1", refund_id), 9000, 3000).change.changed;
  };
  SECTION("done before it was requested") {
    CHECK(says(RefundStatus::done));
    CHECK_FALSE(says(RefundStatus::requested));
    CHECK_FALSE(says(RefundStatus::failed));
    CHECK_FALSE(says(RefundStatus::done));
    CHECK(f.order().refund_status == RefundStatus::done);
  }
  SECTION("failed, and done after all") {
    CHECK(says(RefundStatus::failed));
    CHECK_FALSE(says(RefundStatus::requested));
    CHECK(f.store.refund_stats(5000).dead == 1);
    CHECK(says(RefundStatus::done));
    CHECK(f.store.refund_stats(5000).dead == 0);
  }
  SECTION("another refund of that payment, of a part of it") {
    auto part = report(RefundStatus::done);
    part.amount_minor = 499;
    CHECK_FALSE(f.store.report_refund(part, 9000, 3000).change.changed);
    part.amount_minor = 500;
    CHECK(f.store.report_refund(part, 9000, 3000).change.changed);
  }
  SECTION("a payment that nothing has to go back of") {
    CHECK_FALSE(f.store.report_refund(report(RefundStatus::done, "pay_9"), 0, 1).known_payment);
  }
}

TEST_CASE("an operator sees a failed refund and has it tried again under another key",
          "[refunds][store]") {
  RefundFixture f;
  f.cancel();
  f.store.report_refund(report(RefundStatus::failed), 0, 3000);
  const auto letters = f.store.list_dead_letters(10);
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].id == "refund:1");
  CHECK(letters[0].order_id == "o-1");
  CHECK(letters[0].error == "no");
  CHECK(f.store.retry_dead_letters("refund:2", 4000) == 0);
  CHECK(f.store.retry_dead_letters("refund:1", 4000) == 1);
  CHECK(f.store.list_dead_letters(10).empty());
  const auto due = f.store.due_refunds(10, 4000);
  REQUIRE(due.size() == 1);
  CHECK(due[0].round == 1);
  CHECK(due[0].refund_id.empty());
  // The first round's failure may be told again.
  CHECK(f.store.report_refund(report(RefundStatus::requested, "pay_1", "rfnd_2"), 9000, 4100)
            .change.changed);
  CHECK_FALSE(f.store.report_refund(report(RefundStatus::failed), 0, 4200).change.changed);
  CHECK(f.order().refund_status == RefundStatus::requested);
}

TEST_CASE("a refund that the staff made by hand is not requested any more", "[refunds][store]") {
  RefundFixture f;
  f.cancel();
  f.store.report_refund(report(RefundStatus::failed), 0, 3000);
  f.store.change_order(
      "o-1",
      [](const Order& order) { return decide_payment_status(order, PaymentStatus::refunded); },
      4000);
  CHECK(f.order().refund_status == RefundStatus::done);
  CHECK(f.store.list_dead_letters(10).empty());
  CHECK(f.store.retry_dead_letters("", 5000) == 0);
}

}  // namespace order_server
