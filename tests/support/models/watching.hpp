// SPDX-License-Identifier: MIT
#pragma once

#include "support/manual_clock.hpp"
#include <ordercast/clock.hpp>
#include <ordercast/types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

/// Who may watch what on one manager, by what clients said and the authorizer answered alone.
namespace ordercast::test {

class Watching {
 public:
  static constexpr int nobody = -1;

  struct Subscription {
    std::string user;
    std::uint64_t question = 0;  ///< The one that its subscribe led to.
    bool granted = false;        ///< It may have been authorized.
    bool certain = false;        ///< It has been authorized, and nothing has been heard of an end.
  };
  struct Question {
    std::string order_id;
    std::string user;
    int asker = nobody;  ///< Nobody: it was asked again, and nobody knows for whom.
    std::uint64_t number = 0;
    TimePoint asked_at{};
  };

  explicit Watching(test::ManualClock clock) : clock_(std::move(clock)) {}

  [[nodiscard]] Question ask(std::string_view user, std::string_view order_id) {
    Question question{std::string(order_id), std::string(user), speaker, ++questions_,
                      clock_.now()};
    if (speaker != nobody) {
      subscriptions_[question.order_id][speaker] = {question.user, question.number, false, false};
    }
    return question;
  }

  void grant(const Question& question) {
    // An answer that came too late is void.
    const bool is_late = clock_.now() - question.asked_at >= std::chrono::seconds(30);
    const auto found = subscriptions_.find(question.order_id);
    if (found == subscriptions_.end()) return;
    for (auto& [handle, one] : found->second) {
      if (question.asker == nobody && one.user == question.user) one.granted = true;
      if (question.asker != handle || one.question != question.number || one.granted) continue;
      one.granted = true;
      one.certain = !is_late;
    }
  }

  [[nodiscard]] Subscription* find(const std::string& order_id, int handle) {
    auto& of_order = subscriptions_[order_id];
    const auto found = of_order.find(handle);
    return found == of_order.end() ? nullptr : &found->second;
  }
  /// The question of a subscription; 0 if there is none.
  [[nodiscard]] std::uint64_t question(const std::string& order_id, int handle) {
    const auto* found = find(order_id, handle);
    return found == nullptr ? 0 : found->question;
  }
  void leave(const std::string& order_id, int handle) { subscriptions_[order_id].erase(handle); }
  void close(int handle) {
    for (auto& [order_id, of_order] : subscriptions_) of_order.erase(handle);
  }

  int speaker = nobody;      ///< Whose message is being handled.
  std::size_t too_fast = 0;  ///< Messages that were not heard because they came too fast.

 private:
  test::ManualClock clock_;
  std::uint64_t questions_ = 0;
  std::map<std::string, std::map<int, Subscription>> subscriptions_;
};

}  // namespace ordercast::test
