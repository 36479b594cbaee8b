// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/backplane.hpp>
#include <ordercast/types.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What a node of a test has heard, and waiting for it. Thread-safe.
namespace ordercast::test {

/// Long enough for a busy machine; a test that passes never waits for it.
inline constexpr std::chrono::seconds patience{20};

struct HeardOrder {
  std::string id;
  std::string owner;
  std::string organization;
  std::string assignee;
  std::string status;
  std::uint64_t version = 0;
  std::string json;
  std::uint64_t sequence = 0;
  bool own = false;
};

class Heard {
 public:
  [[nodiscard]] BackplaneReceiver receiver() {
    BackplaneReceiver made;
    made.on_order = [this](const OrderEvent& event, const BackplaneDelivery& delivery) {
      std::function<void(const OrderEvent&)> then;
      update([&] {
        orders_.push_back({std::string(event.order_id), std::string(event.owner.view()),
                           std::string(event.organization.view()),
                           std::string(event.assignee.view()), std::string(event.status),
                           event.version, std::string(event.json), delivery.sequence,
                           delivery.own});
        then = then_;
      });
      if (then) then(event);
    };
    made.on_notice = [this](const BackplaneNotice& notice, const BackplaneDelivery&) {
      update([&] { notices_.emplace_back(std::string(notice.kind), std::string(notice.text)); });
    };
    made.on_behind = [this](std::string_view reason) {
      update([&] { reasons_.emplace_back(reason); });
    };
    return made;
  }

  /// Runs behind each order, on the engine's thread.
  void then(std::function<void(const OrderEvent&)> action) {
    update([&] { then_ = std::move(action); });
  }

  [[nodiscard]] std::vector<HeardOrder> orders() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return orders_;
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> notices() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return notices_;
  }
  [[nodiscard]] std::vector<std::string> reasons() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return reasons_;
  }
  [[nodiscard]] std::vector<std::uint64_t> versions() const {
    std::vector<std::uint64_t> all;
    for (const auto& order : orders()) all.push_back(order.version);
    return all;
  }

  [[nodiscard]] bool wait_for_orders(std::size_t count) {
    return wait([&] { return orders_.size() >= count; });
  }
  [[nodiscard]] bool wait_for_notices(std::size_t count) {
    return wait([&] { return notices_.size() >= count; });
  }
  [[nodiscard]] bool wait_for_reason(const std::string& reason) {
    return wait([&] {
      for (const auto& one : reasons_) {
        if (one == reason) return true;
      }
      return false;
    });
  }

 private:
  template <class F>
  void update(F&& change) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      change();
    }
    changed_.notify_all();
  }
  template <class Predicate>
  bool wait(Predicate predicate) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, patience, predicate);
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<HeardOrder> orders_;
  std::vector<std::pair<std::string, std::string>> notices_;
  std::vector<std::string> reasons_;
  std::function<void(const OrderEvent&)> then_;
};

/// Polls until the condition holds; false after `patience`.
template <class Predicate>
[[nodiscard]] bool eventually(Predicate predicate) {
  const auto until = std::chrono::steady_clock::now() + patience;
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock<std::mutex> lock(mutex);
  while (!predicate()) {
    if (std::chrono::steady_clock::now() > until) return false;
    never.wait_for(lock, std::chrono::milliseconds(5));
  }
  return true;
}

/// Publishes and waits for the answer; nullopt where none comes.
template <class Backplane, class Message>
[[nodiscard]] std::optional<BackplaneAnswer> publish(Backplane& backplane, const Message& message) {
  const auto answer = std::make_shared<std::promise<BackplaneAnswer>>();
  auto future = answer->get_future();
  backplane.publish(message, [answer](BackplaneAnswer what) { answer->set_value(what); });
  if (future.wait_for(patience) != std::future_status::ready) return std::nullopt;
  return future.get();
}

/// A change of order `id`, as a store would hand it over.
[[nodiscard]] inline OrderEvent change(std::string_view id, std::uint64_t version) {
  return {id, OwnerId("alice"), OrganizationId("org-1"), "CONFIRMED", version, R"({"items":[]})"};
}

}  // namespace ordercast::test
