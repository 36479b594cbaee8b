// SPDX-License-Identifier: MIT
#pragma once

#include "metrics.hpp"
#include "store/refund_store.hpp"
#include "workers/backoff.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <thread>

/// Asks the payment provider for the refunds that are due.
namespace order_server {

/// How one attempt ended.
struct RefundAnswer {
  enum class Kind : std::uint8_t {
    requested,    ///< The provider has it and is not done.
    done,         ///< The money is back.
    refused,      ///< It will not be, however often it is requested.
    unavailable,  ///< The provider, the way to it, or our credentials: no fault of the refund.
  };
  Kind kind = Kind::unavailable;
  std::string refund_id;                     ///< The provider's, where it has one.
  std::string error;                         ///< For operators; holds no secret.
  std::chrono::milliseconds retry_after{0};  ///< 0: the provider names no time.
};

/// The provider, or what stands for it. One thread.
class RefundProvider {
 public:
  RefundProvider() = default;
  RefundProvider(const RefundProvider&) = delete;
  RefundProvider& operator=(const RefundProvider&) = delete;
  virtual ~RefundProvider() = default;

  /// Asks for the refund, or how far it is where it has an id; blocks, but ends soon after
  /// `is_stopping` is true, as `unavailable`. Asked for twice in one round, it pays once.
  [[nodiscard]] virtual RefundAnswer refund(const RefundJob& job,
                                            const std::atomic<bool>& is_stopping) = 0;
};

/// For a demo and for orders of no provider: there is no money, so it is back at once.
class InstantRefunds final : public RefundProvider {
 public:
  [[nodiscard]] RefundAnswer refund(const RefundJob& job,
                                    const std::atomic<bool>& is_stopping) override;
};

struct RefundOptions {
  /// Refunds that are read at once.
  std::size_t batch = 16;
  /// How long until an attempt is made again. For ever: it is about money.
  BackoffRange retry{};
  /// How long until a refund that the provider has is looked at, if its webhook does not come.
  BackoffRange look_at_requested{std::chrono::minutes(1), std::chrono::hours(1)};
  /// How often the database is looked at without being woken.
  std::chrono::milliseconds look{5'000};
  std::function<std::int64_t()> now_ms;  ///< Unix time in milliseconds.
  /// Called after every commit that has something to broadcast.
  std::function<void()> committed = [] {};
  /// Called again and again by the worker's thread while it moves; see Watchdog.
  std::function<void()> beat = [] {};
  std::uint64_t seed = std::random_device{}();
};

/// One thread that works on the queue of refunds, one after another.
///
/// At least once, made once by the provider's own memory of our key: an answer that was lost, to a
/// crash or on the way, is asked for again. An outage of the provider is waited for; what it
/// refuses is a dead letter, and its order says FAILED. A failing database is tried again for ever.
class RefundWorker {
 public:
  RefundWorker(RefundStore& store, RefundProvider& provider, Metrics& metrics,
               RefundOptions options);
  RefundWorker(const RefundWorker&) = delete;
  RefundWorker& operator=(const RefundWorker&) = delete;
  ~RefundWorker();

  /// Starts with what an earlier process left. Once.
  void start();

  /// There may be a new refund. Any thread; cheap.
  void wake();

  /// Gives up what is under way and ends the thread: the next start asks again. Idempotent.
  void stop();

  /// One round, for a test that is the thread itself: everything that is due. Returns how long
  /// there will be nothing to do unless something happens. Throws StoreError.
  std::chrono::milliseconds turn();

 private:
  void run();
  void wait(std::chrono::milliseconds time);
  /// False when the worker is stopping.
  bool work_on(const RefundJob& job);
  void note(const RefundJob& job, const RefundReport& report, std::chrono::milliseconds look);

  RefundStore& store_;
  RefundProvider& provider_;
  Metrics& metrics_;
  const RefundOptions options_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_woken_ = false;  // under mutex_

  // The worker's thread only.
  Backoff retry_;
  Backoff look_;
  bool is_outage_ = false;

  std::thread thread_;
};

}  // namespace order_server
