// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/outbox.hpp>

#include <cstddef>
#include <list>
#include <string>

/// The outbox as anyone would write it first: a list that is searched from the front.
namespace ordercast::test {

class NaiveOutbox {
 public:
  NaiveOutbox(std::size_t max_messages, std::size_t max_bytes)
      : max_messages_(max_messages), max_bytes_(max_bytes) {}

  PushResult push(QueuedKind kind, const std::string& order, const std::string& frame,
                  std::size_t bytes, bool conflates = true) {
    conflates = conflates && !order.empty();
    const auto older = conflates ? find(kind, order) : waiting_.end();
    if (older == waiting_.end()) {
      if (max_messages_ != 0 && waiting_.size() >= max_messages_) return PushResult::full;
      if (is_too_much(waiting_.size(), this->bytes() + bytes)) return PushResult::full;
      waiting_.push_back({kind, order, frame, bytes, conflates});
      return PushResult::queued;
    }
    if (is_too_much(waiting_.size() - 1, this->bytes() - older->bytes + bytes)) {
      return PushResult::full;
    }
    bool before_its_order = false;
    for (auto at = older; at != waiting_.end(); ++at) {
      before_its_order |= at->kind == QueuedKind::order_updated && at->order == order;
    }
    if (kind == QueuedKind::application ||
        (kind == QueuedKind::orders_changed && before_its_order)) {
      waiting_.erase(older);
      waiting_.push_back({kind, order, frame, bytes, true});
    } else {
      older->frame = frame;
      older->bytes = bytes;
    }
    return PushResult::conflated;
  }
  bool drop_updates(const std::string& order) {
    const auto at = find(QueuedKind::order_updated, order);
    if (at == waiting_.end()) return false;
    waiting_.erase(at);
    return true;
  }
  /// The order whose update came last, which is taken out; empty when none waits.
  std::string take_newest_update() {
    for (auto at = waiting_.end(); at != waiting_.begin();) {
      if ((--at)->kind != QueuedKind::order_updated) continue;
      auto order = at->order;
      waiting_.erase(at);
      return order;
    }
    return {};
  }
  bool drop_oldest_hint() {
    for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
      if (at->kind != QueuedKind::orders_changed) continue;
      waiting_.erase(at);
      return true;
    }
    return false;
  }
  /// The frames of the application's messages with such a topic, which are taken out.
  std::string take_application(const std::string& prefix) {
    std::string taken;
    for (auto at = waiting_.begin(); at != waiting_.end();) {
      if (at->kind == QueuedKind::application && at->order.rfind(prefix, 0) == 0) {
        taken += at->frame + ' ';
        at = waiting_.erase(at);
      } else {
        ++at;
      }
    }
    return taken;
  }
  [[nodiscard]] const std::string& front() const { return waiting_.front().frame; }
  [[nodiscard]] std::size_t front_bytes() const { return waiting_.front().bytes; }
  void pop() { waiting_.pop_front(); }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& one : waiting_) sum += one.bytes;
    return sum;
  }

 private:
  struct Waiting {
    QueuedKind kind;
    std::string order;
    std::string frame;
    std::size_t bytes;
    bool conflates;
  };

  /// One message alone is never too much.
  [[nodiscard]] bool is_too_much(std::size_t others, std::size_t bytes) const {
    return max_bytes_ != 0 && others != 0 && bytes > max_bytes_;
  }

  std::list<Waiting>::iterator find(QueuedKind kind, const std::string& order) {
    auto at = waiting_.begin();
    while (at != waiting_.end() && !(at->kind == kind && at->order == order && at->conflates)) ++at;
    return at;
  }

  std::size_t max_messages_;
  std::size_t max_bytes_;
  std::list<Waiting> waiting_;
};

}  // namespace ordercast::test
