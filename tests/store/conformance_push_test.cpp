// SPDX-License-Identifier: MIT
#include "backends.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace order_server {
namespace {

using Verdict = PushResult::Verdict;

/// An open store with one shop, one order of user-1 and one device.
template <class Backend>
struct PushFixture : StoreFixture<Backend> {
  using StoreFixture<Backend>::store;

  PushFixture() {
    store.create_order(sample_order("o-1"));
    store.add_device("user-1", "token-1", "android", 100);
  }

  void move_to(OrderStatus status, const std::string& id = "o-1", std::int64_t now_ms = 2000) {
    REQUIRE(StoreFixture<Backend>::move_to(id, status, now_ms).changed);
  }
  std::vector<PushJob> due(std::int64_t now_ms = 3000) {
    store.queue_pushes(100, now_ms);
    return store.due_pushes(100, now_ms);
  }
};

PushResult result_of(const PushJob& job, Verdict verdict) {
  PushResult result;
  result.id = job.id;
  result.token = job.token;
  result.version = job.version;
  result.registered_at_ms = job.registered_at_ms;
  result.verdict = verdict;
  return result;
}

PushResult retry_of(const PushJob& job, std::int64_t due_at_ms, bool held_against = false) {
  auto result = result_of(job, Verdict::retry);
  result.due_at_ms = due_at_ms;
  result.held_against = held_against;
  result.error = "503";
  return result;
}

}  // namespace

TEMPLATE_TEST_CASE("a change of status is queued for each device of the owner, and for no other",
                   "[store][push]", SqliteBackend, PostgresBackend) {
  PushFixture<TestType> f;
  f.store.add_device("user-1", "token-2", "ios", 200);
  f.store.add_device("user-2", "token-3", "ios", 300);
  CHECK(f.due().empty());  // a new order is no news for who placed it
  f.move_to(OrderStatus::confirmed);
  const auto jobs = f.due();
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[0].token == "token-1");
  CHECK(jobs[0].platform == "android");
  CHECK(jobs[0].registered_at_ms == 100);
  CHECK(jobs[1].token == "token-2");
  for (const auto& job : jobs) {
    CHECK(job.order_id == "o-1");
    CHECK(job.user_id == "user-1");
    CHECK(job.status == "CONFIRMED");
    CHECK(job.version == 2);
    CHECK(job.changed_at_ms == 2000);
    CHECK(job.attempts == 0);
  }
  CHECK(f.store.push_stats(5000).waiting == 2);
  CHECK(f.store.push_stats(5000).oldest_age_ms == 3000);
}

TEMPLATE_TEST_CASE("a change that leaves the status alone makes no push", "[store][push]",
                   SqliteBackend, PostgresBackend) {
  PushFixture<TestType> f;
  f.store.change_order(
      "o-1",
      [](const Order& order) {
        Change change = change_from(order);
        change.payment_status = PaymentStatus::failed;
        change.write_log = false;
        return change;
      },
      2000);
  CHECK(f.due().empty());
  CHECK(f.store.push_stats(2000).waiting == 0);
}

TEMPLATE_TEST_CASE("newer versions take the place of an unsent older one", "[store][push]",
                   SqliteBackend, PostgresBackend) {
  PushFixture<TestType> f;
  f.move_to(OrderStatus::confirmed);
  const auto first = f.due();
  f.store.finish_pushes({retry_of(first.at(0), 9000, true)}, 3000);
  f.move_to(OrderStatus::preparing);
  f.move_to(OrderStatus::ready);
  CHECK(f.due().empty());  // it still waits until its time
  const auto later = f.due(9000);
  REQUIRE(later.size() == 1);
  CHECK(later[0].id == first[0].id);
  CHECK(later[0].version == 4);
  CHECK(later[0].status == "READY");
  CHECK(later[0].attempts == 1);
  CHECK(later[0].failures == 0);  // those of another message
}

TEMPLATE_TEST_CASE("a version that came while an older one was being sent stays to be sent",
                   "[store][push]", SqliteBackend, PostgresBackend) {
  PushFixture<TestType> f;
  f.move_to(OrderStatus::confirmed);
  const auto first = f.due().at(0);
  f.move_to(OrderStatus::preparing);
  f.store.queue_pushes(100, 3000);
  f.store.finish_pushes({result_of(first, Verdict::done)}, 3000);
  const auto second = f.due();
  REQUIRE(second.size() == 1);
  CHECK(second[0].version == 3);
  f.store.finish_pushes({result_of(second[0], Verdict::done)}, 3000);
  CHECK(f.due().empty());
  CHECK(f.store.push_stats(5000).waiting == 0);
}

TEMPLATE_TEST_CASE(
    "pushes with the fewest attempts go first, and a clock that was set back delays none for long",
    "[store][push]", SqliteBackend, PostgresBackend) {
  PushFixture<TestType> f;
  for (const char* id : {"o-2", "o-3"}) f.store.create_order(sample_order(id));
  for (const char* id : {"o-1", "o-2", "o-3"}) f.move_to(OrderStatus::confirmed, id);
  const auto jobs = f.due();
  REQUIRE(jobs.size() == 3);
  f.store.finish_pushes({retry_of(jobs[0], 3500), retry_of(jobs[1], 3000 + 2 * retry_horizon_ms)},
                        3000);
  CHECK(f.store.next_push_at(3000) == 3500);
  const auto due = f.store.due_pushes(100, 4000);
  REQUIRE(due.size() == 3);
  CHECK(due[0].order_id == "o-3");
  f.store.finish_pushes({retry_of(jobs[0], 9000)}, 3000);
  CHECK(f.store.due_pushes(100, 4000).size() == 2);
  f.store.hasten_pushes(4000);
  CHECK(f.store.due_pushes(100, 4000).size() == 3);
}

TEMPLATE_TEST_CASE("a device that is gone takes its pushes along, unless it has registered again",
                   "[store][push]", SqliteBackend, PostgresBackend) {
  PushFixture<TestType> f;
  f.store.create_order(sample_order("o-2"));
  f.move_to(OrderStatus::confirmed);
  f.move_to(OrderStatus::confirmed, "o-2");
  const auto jobs = f.due();
  REQUIRE(jobs.size() == 2);
  f.store.add_device("user-1", "token-1", "android", 5000);
  f.store.finish_pushes({result_of(jobs[0], Verdict::remove)}, 3000);
  CHECK(f.number("SELECT count(*) FROM devices") == 1);
  const auto again = f.due();
  REQUIRE(again.size() == 2);
  f.store.finish_pushes({result_of(again[0], Verdict::remove)}, 3000);
  CHECK(f.number("SELECT count(*) FROM devices") == 0);
  CHECK(f.number("SELECT count(*) FROM push_jobs") == 0);
}

TEMPLATE_TEST_CASE("a phone that changes hands gets no push of its earlier user", "[store][push]",
                   SqliteBackend, PostgresBackend) {
  PushFixture<TestType> f;
  f.move_to(OrderStatus::confirmed);
  REQUIRE(f.due().size() == 1);
  f.store.add_device("user-2", "token-1", "android", 5000);
  CHECK(f.due().empty());
  CHECK(f.number("SELECT count(*) FROM push_jobs") == 0);
}

TEMPLATE_TEST_CASE(
    "a push that was given up is listed, retried, revived by a newer version, and pruned at last",
    "[store][push]", SqliteBackend, PostgresBackend) {
  PushFixture<TestType> f;
  f.store.add_device("user-1", "a registration token of forty characters", "ios", 200);
  f.store.remove_device("user-1", "token-1");
  f.move_to(OrderStatus::confirmed);
  auto dead = result_of(f.due().at(0), Verdict::dead);
  dead.error = "the provider says no";
  f.store.finish_pushes({dead}, 3000);
  CHECK(f.due().empty());
  CHECK(f.store.push_stats(5000).dead == 1);

  const auto letters = f.store.list_dead_letters(10);
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].id == "push:" + std::to_string(dead.id));
  CHECK(letters[0].order_id == "o-1");
  CHECK(letters[0].version == 2);
  CHECK(letters[0].attempts == 1);
  CHECK(letters[0].dead_at_ms == 3000);
  CHECK(letters[0].device == "a regi...");
  CHECK(letters[0].error == "the provider says no");

  CHECK(f.store.retry_dead_letters("push:999", 4000) == 0);
  for (const char* id : {"nonsense", "push:0", "push:-1", "push:", "push:1x"}) {
    INFO(id);
    CHECK(f.store.retry_dead_letters(id, 4000) == 0);
  }
  CHECK(f.store.retry_dead_letters(letters[0].id, 4000) == 1);
  REQUIRE(f.due(4000).size() == 1);
  CHECK(f.due(4000)[0].attempts == 0);

  f.store.finish_pushes({dead}, 4000);
  f.move_to(OrderStatus::preparing);
  REQUIRE(f.due(5000).size() == 1);
  CHECK(f.due(5000)[0].version == 3);

  dead.version = 3;
  f.store.finish_pushes({dead}, 6000);
  CHECK(f.store.prune_outbox(6000, 100) == 0);
  CHECK(f.store.prune_outbox(6001, 100) == 1);
  CHECK(f.store.list_dead_letters(10).empty());
}

TEMPLATE_TEST_CASE("a broadcast that failed waits aside, and is given up or superseded",
                   "[store][outbox]", SqliteBackend, PostgresBackend) {
  PushFixture<TestType> f;
  f.store.create_order(sample_order("o-2"));
  const auto entries = f.store.pending_broadcasts(10);
  REQUIRE(entries.size() == 2);
  f.store.fail_broadcasts({{entries[0].sequence, 9000, "no UTF-8"}}, 3000);
  REQUIRE(f.store.pending_broadcasts(10).size() == 1);
  CHECK(f.store.pending_broadcasts(10)[0].order_id == "o-2");
  CHECK(f.store.failed_broadcasts(10, 8999).empty());
  REQUIRE(f.store.failed_broadcasts(10, 9000).size() == 1);
  CHECK(f.store.failed_broadcasts(10, 9000)[0].attempts == 1);
  CHECK_FALSE(f.store.failed_broadcasts(10, 9000)[0].superseded);
  CHECK(f.store.outbox_stats(3000).depth == 2);
  f.move_to(OrderStatus::confirmed);
  CHECK(f.store.failed_broadcasts(10, 9000)[0].superseded);

  f.store.fail_broadcasts({{entries[0].sequence, std::nullopt, "no UTF-8"}}, 4000);
  CHECK(f.store.failed_broadcasts(10, 9000).empty());
  CHECK(f.store.outbox_stats(3000).depth == 2);  // o-2 and the change of o-1
  CHECK(f.store.outbox_stats(3000).dead == 1);
  const auto letters = f.store.list_dead_letters(10);
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].id == "broadcast:" + std::to_string(entries[0].sequence));
  CHECK(letters[0].attempts == 2);
  CHECK(letters[0].error == "no UTF-8");
  CHECK(letters[0].device.empty());
  CHECK(f.store.retry_dead_letters("", 5000) == 1);
  CHECK(f.store.pending_broadcasts(10).at(0).order_id == "o-1");
}

TEMPLATE_TEST_CASE("a payment's event is applied once, together with its change",
                   "[store][payments]", SqliteBackend, PostgresBackend) {
  PushFixture<TestType> f;
  const auto confirm = [](const Order& order) {
    return decide_status(order, OrderStatus::confirmed);
  };
  const auto unknown = f.store.apply_payment_event({"event-1", "d1"}, "order_none", confirm, 2000);
  CHECK_FALSE(unknown.known_order);
  const auto first = f.store.apply_payment_event({"event-1", "d1"}, "order_o-1", confirm, 2000);
  CHECK(first.known_order);
  CHECK_FALSE(first.repeated);
  CHECK(first.change.changed);
  const auto second = f.store.apply_payment_event({"event-1", "d1"}, "order_o-1", confirm, 2000);
  CHECK(second.repeated);
  CHECK_FALSE(second.change.changed);
  CHECK(f.store.find_order("o-1")->version == 2);

  CHECK_THROWS(f.store.apply_payment_event(
      {"event-2", "d1"}, "order_o-1",
      [](const Order&) -> Decision { throw std::runtime_error("the test says so"); }, 2000));
  CHECK_FALSE(f.store.apply_payment_event({"event-2", "d1"}, "order_o-1", confirm, 2000).repeated);
  CHECK(f.store.prune_outbox(2001, 100) >= 2);
  CHECK(f.number("SELECT count(*) FROM payment_events") == 0);
}

TEMPLATE_TEST_CASE("an event's id with another body is another event", "[store][payments]",
                   SqliteBackend, PostgresBackend) {
  PushFixture<TestType> f;
  const auto nothing = [](const Order&) -> Decision { return NoChange{}; };
  const auto apply = [&](const char* id, const char* digest) {
    return f.store.apply_payment_event({id, digest}, "order_o-1", nothing, 2000);
  };
  CHECK_FALSE(apply("event-1", "d1").id_reused);
  CHECK_FALSE(apply("event-10", "d1").id_reused);  // no id is the start of another
  CHECK_FALSE(apply("event", "d1").id_reused);
  const auto other = apply("event-1", "d2");
  CHECK_FALSE(other.repeated);
  CHECK(other.id_reused);
  CHECK(apply("event-1", "d1").repeated);
  CHECK(apply("event-1", "d2").repeated);
  CHECK(f.number("SELECT count(*) FROM payment_events") == 4);
}

}  // namespace order_server
