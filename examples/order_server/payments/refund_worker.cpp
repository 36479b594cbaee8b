// SPDX-License-Identifier: MIT
#include "payments/refund_worker.hpp"

#include "domain/printable.hpp"
#include "process/crash_report.hpp"
#include "workers/fail_point.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>

namespace order_server {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_database_wait{50};
constexpr milliseconds last_database_wait{5'000};

}  // namespace

RefundAnswer InstantRefunds::refund(const RefundJob& job, const std::atomic<bool>& /*stopping*/) {
  return {RefundAnswer::Kind::done, "rfnd_test_" + std::to_string(job.id), {}, milliseconds(0)};
}

RefundWorker::RefundWorker(RefundStore& store, RefundProvider& provider, Metrics& metrics,
                           RefundOptions options)
    : store_(store),
      provider_(provider),
      metrics_(metrics),
      options_(std::move(options)),
      retry_(options_.retry, options_.seed),
      look_(options_.look_at_requested, options_.seed + 1) {}

RefundWorker::~RefundWorker() {
  stop();
}

void RefundWorker::start() {
  thread_ = std::thread([this] {
    use_signal_stack();
    run();
  });
}

void RefundWorker::wake() {
  {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
  }
  changed_.notify_one();
}

void RefundWorker::stop() {
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
}

void RefundWorker::run() {
  auto backoff = first_database_wait;
  while (!stopping_) {
    options_.beat();
    stall_point("refund");
    auto time = backoff;
    try {
      time = turn();
      backoff = first_database_wait;
    } catch (const std::exception& error) {
      spdlog::error("refund: {}; trying again in {} ms", printable(error.what()), backoff.count());
      backoff = std::min(backoff * 2, last_database_wait);
    }
    wait(time);
  }
}

void RefundWorker::wait(milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return is_woken_ || stopping_; });
  is_woken_ = false;
}

milliseconds RefundWorker::turn() {
  bool goes_on = true;
  while (goes_on && !stopping_) {
    const auto jobs = store_.due_refunds(options_.batch, options_.now_ms());
    for (const auto& job : jobs) {
      goes_on = goes_on && !stopping_ && work_on(job);
      options_.beat();
    }
    if (jobs.size() < options_.batch) break;
  }
  auto time = options_.look;
  const auto now_ms = options_.now_ms();
  if (const auto next = store_.next_refund_at(now_ms)) {
    time = std::min(time, milliseconds(*next - now_ms));
  }
  return time;
}

bool RefundWorker::work_on(const RefundJob& job) {
  const auto answer = provider_.refund(job, stopping_);
  fail_point("refund.asked");
  switch (answer.kind) {
    case RefundAnswer::Kind::requested:
      note(job, {job.payment_id, RefundStatus::requested, answer.refund_id, {}},
           look_.delay(job.attempts + 1));
      break;
    case RefundAnswer::Kind::done:
      note(job, {job.payment_id, RefundStatus::done, answer.refund_id, {}}, milliseconds(0));
      break;
    case RefundAnswer::Kind::refused:
      spdlog::error("refund: payment {} of order {} is given up: {}", printable(job.payment_id),
                    printable(job.order_id), printable(answer.error));
      note(job, {job.payment_id, RefundStatus::failed, answer.refund_id, answer.error},
           milliseconds(0));
      break;
    case RefundAnswer::Kind::unavailable:
      if (stopping_) return false;
      if (!is_outage_) spdlog::warn("refund: {}; trying again", printable(answer.error));
      is_outage_ = true;
      auto delay = retry_.delay(job.attempts + 1);
      if (answer.retry_after.count() > 0) {
        delay = std::max(delay, retry_.at_least(answer.retry_after));
      }
      delay = std::min(delay, milliseconds(retry_horizon_ms));
      metrics_.refund_retries.add();
      store_.postpone_refund(job.id, options_.now_ms() + delay.count(), answer.error);
      return true;
  }
  if (is_outage_) spdlog::info("refund: the payment provider is back");
  is_outage_ = false;
  return true;
}

void RefundWorker::note(const RefundJob& job, const RefundReport& report, milliseconds look) {
  const auto now_ms = options_.now_ms();
  const auto result = store_.report_refund(report, now_ms + look.count(), now_ms);
  if (!result.known_payment) {
    spdlog::error("refund: payment {} is no longer known", printable(job.payment_id));
  }
  switch (report.state) {
    case RefundStatus::requested:
      if (job.refund_id.empty()) metrics_.refunds_requested.add();
      break;
    case RefundStatus::done:
      metrics_.refunds_done.add();
      break;
    case RefundStatus::failed:
      metrics_.refunds_failed.add();
      break;
    case RefundStatus::due:
      break;
  }
  if (result.change.changed) options_.committed();
}

}  // namespace order_server
