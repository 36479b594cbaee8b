// SPDX-License-Identifier: MIT
#include "payments/refund_worker.hpp"

#include "payments/razorpay.hpp"
#include "refund_fixture.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <string>
#include <utility>
#include <vector>

/// The worker that asks for refunds, and what it makes of the provider's answers.
namespace order_server {
namespace {

using Catch::Matchers::Contains;

/// Answers as it was told, one after another, and remembers what it was asked.
struct FakeProvider final : RefundProvider {
  RefundAnswer refund(const RefundJob& job, const std::atomic<bool>& /*stopping*/) override {
    asked.push_back(job);
    if (answers.empty()) throw std::logic_error("nothing more was expected");
    auto answer = answers.front();
    answers.pop_front();
    return answer;
  }
  void will(RefundAnswer::Kind kind, std::string refund_id = "rfnd_1", std::string error = {},
            std::chrono::milliseconds after = std::chrono::milliseconds(0)) {
    answers.push_back({kind, std::move(refund_id), std::move(error), after});
  }
  std::deque<RefundAnswer> answers;
  std::vector<RefundJob> asked;
};

struct WorkerFixture : RefundFixture {
  using Kind = RefundAnswer::Kind;
  FakeProvider provider;
  Metrics metrics;
  std::int64_t now_ms = 3000;
  int commits = 0;
  RefundWorker worker{store, provider, metrics, [this] {
                        RefundOptions options;
                        options.now_ms = [this] { return now_ms; };
                        options.committed = [this] { ++commits; };
                        options.seed = 1;
                        return options;
                      }()};
};

HttpReply reply(int status, const std::string& body) {
  HttpReply made;
  made.status = status;
  made.body = body;
  return made;
}

}  // namespace

// ---- The worker --------------------------------------------------------------------------------

TEST_CASE("the worker asks for what is due and writes down what it hears", "[refunds][worker]") {
  WorkerFixture f;
  CHECK(f.worker.turn() == RefundOptions().look);
  f.cancel();
  f.provider.will(WorkerFixture::Kind::done);
  f.worker.turn();
  REQUIRE(f.provider.asked.size() == 1);
  CHECK(f.order().payment_status == PaymentStatus::refunded);
  CHECK(f.commits == 1);
  CHECK(f.metrics.refunds_done.value() == 1);
  f.worker.turn();
  CHECK(f.provider.asked.size() == 1);
}

TEST_CASE("an outage is waited for, ever longer, and given up never", "[refunds][worker]") {
  WorkerFixture f;
  f.cancel();
  std::chrono::milliseconds last{0};
  for (int i = 0; i < 20; ++i) {
    f.provider.will(WorkerFixture::Kind::unavailable, "", "the provider is down");
    last = f.worker.turn();
    CHECK(last > std::chrono::milliseconds(0));
    f.now_ms = f.store.next_refund_at(f.now_ms).value();
  }
  CHECK(f.metrics.refund_retries.value() == 20);
  CHECK(f.order().refund_status == RefundStatus::due);
  f.provider.will(WorkerFixture::Kind::done);
  f.worker.turn();
  CHECK(f.order().refund_status == RefundStatus::done);
}

TEST_CASE("the provider's own time to come back is kept", "[refunds][worker]") {
  WorkerFixture f;
  f.cancel();
  f.provider.will(WorkerFixture::Kind::unavailable, "", "too many", std::chrono::minutes(10));
  f.worker.turn();
  CHECK(f.store.next_refund_at(f.now_ms).value() >= f.now_ms + 600'000);
}

TEST_CASE("a refusal is a dead letter, and does not hold up the next", "[refunds][worker]") {
  WorkerFixture f;
  f.pay("pay_2", 1800);
  f.cancel();
  f.now_ms = 12'000;
  f.provider.will(WorkerFixture::Kind::refused, "", "no such payment");
  f.provider.will(WorkerFixture::Kind::done);
  f.worker.turn();
  REQUIRE(f.provider.asked.size() == 2);
  CHECK(f.provider.asked[0].payment_id == "pay_1");
  CHECK(f.store.list_dead_letters(10).size() == 1);
  CHECK(f.metrics.refunds_failed.value() == 1);
  CHECK(f.metrics.refunds_done.value() == 1);
  CHECK(f.order().payment_status == PaymentStatus::paid);
  CHECK(f.order().refund_status == RefundStatus::failed);
}

TEST_CASE("what the provider has is looked at until it is done", "[refunds][worker]") {
  WorkerFixture f;
  f.cancel();
  f.provider.will(WorkerFixture::Kind::requested);
  f.worker.turn();
  CHECK(f.order().refund_status == RefundStatus::requested);
  CHECK(f.commits == 1);
  f.now_ms = f.store.next_refund_at(f.now_ms).value();
  f.provider.will(WorkerFixture::Kind::requested);
  f.worker.turn();
  CHECK(f.provider.asked.back().refund_id == "rfnd_1");
  CHECK(f.commits == 1);  // no news
  f.now_ms = f.store.next_refund_at(f.now_ms).value();
  f.provider.will(WorkerFixture::Kind::done);
  f.worker.turn();
  CHECK(f.order().refund_status == RefundStatus::done);
  CHECK(f.metrics.refunds_requested.value() == 1);
}

TEST_CASE("without a provider the money is back at once", "[refunds][worker]") {
  RefundFixture f;
  f.cancel();
  InstantRefunds provider;
  Metrics metrics;
  RefundOptions options;
  options.now_ms = [] { return std::int64_t{3000}; };
  RefundWorker worker(f.store, provider, metrics, options);
  worker.turn();
  CHECK(f.order().payment_status == PaymentStatus::refunded);
}

// ---- The provider's answers --------------------------------------------------------------------

TEST_CASE("the provider's answers mean what they say", "[refunds][razorpay]") {
  using Kind = RefundAnswer::Kind;
  const RefundJob job{1, "o-1", "pay_1", 500, "", 0, 0};
  const auto body = [](const std::string& status) {
    return R"({"id":"rfnd_7","payment_id":"pay_1","amount":500,"status":")" + status + "\"}";
  };
  CHECK(read_refund(reply(200, body("processed")), job).kind == Kind::done);
  CHECK(read_refund(reply(200, body("processed")), job).refund_id == "rfnd_7");
  CHECK(read_refund(reply(200, body("pending")), job).kind == Kind::requested);
  CHECK(read_refund(reply(200, body("failed")), job).kind == Kind::refused);
  for (const auto* wrong :
       {"", "[]", R"({"id":"rfnd_7"})",
        R"({"id":"rfnd_7","payment_id":"pay_2","amount":500,"status":"processed"})",
        R"({"id":"rfnd_7","payment_id":"pay_1","amount":499,"status":"processed"})",
        R"({"id":"../x","payment_id":"pay_1","amount":500,"status":"processed"})"}) {
    CHECK(read_refund(reply(200, wrong), job).kind == Kind::unavailable);
  }
  for (const int status : {0, 301, 401, 403, 404, 409, 429, 500, 503}) {
    CHECK(read_refund(reply(status, "{}"), job).kind == Kind::unavailable);
  }
  const auto refused =
      read_refund(reply(400, R"({"error":{"description":"The payment is not captured"}})"), job);
  CHECK(refused.kind == Kind::refused);
  CHECK_THAT(refused.error, Contains("400") && Contains("not captured"));
}

}  // namespace order_server
