// SPDX-License-Identifier: MIT
#pragma once

#include "support/models/choices.hpp"
#include "support/naive_outbox.hpp"
#include <ordercast/outbox.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

/// The outbox against a list: a slow connection fills, drains to one or to nothing, leaves orders
/// in any pattern, and fills again, while memory runs out now and then.
namespace ordercast::test {

template <class Source>
class OutboxRun {
 public:
  explicit OutboxRun(Source& source)
      : source_(source), max_messages_(pick_messages()), max_bytes_(pick_bytes()) {}

  void run() {
    while (!source_.empty()) {
      step();
      check();
    }
    drain_to(0);
    same(outbox_.empty() && outbox_.bytes() == 0, "nothing is left");
    same(Text::alive_ == 0, "an empty outbox holds no frame");
  }

 private:
  /// Counts its kind: what has left the outbox must not be held any longer.
  struct Text {
    explicit Text(unsigned value) : text(std::to_string(value)) { ++alive_; }
    Text(const Text&) = delete;
    Text& operator=(const Text&) = delete;
    Text(Text&&) = delete;
    Text& operator=(Text&&) = delete;
    ~Text() { --alive_; }
    std::string text;
    inline static std::size_t alive_ = 0;
  };
  using Frame = std::shared_ptr<const Text>;

  // Well above the 32 gaps at which an outbox compacts itself, and above several sizes of its
  // index.
  static constexpr unsigned orders = 400;

  std::size_t pick_messages() {
    switch (source_.below(3)) {
      case 0:
        return 0;
      case 1:
        return source_.below(80);
      default:
        return 2048;
    }
  }
  std::size_t pick_bytes() { return source_.below(2) == 0 ? 0 : source_.below(65536); }

  void step() {
    switch (source_.below(13)) {
      case 0:
        if (!model_.empty()) pop();
        break;
      case 1:
        drop(source_.below(orders));
        break;
      case 2:
      case 3:
        push(static_cast<QueuedKind>(source_.below(4)), source_.below(orders));
        break;
      case 4:
      case 5: {  // Fill: many orders in a row.
        const auto kind = static_cast<QueuedKind>(1 + source_.below(2));
        const auto first = source_.below(orders);
        const auto count = 1 + source_.below(200);
        for (unsigned i = 0; i < count; ++i) push(kind, (first + i) % orders);
        break;
      }
      case 6: {  // Leave many orders, but keep each nth.
        const auto first = source_.below(orders);
        const auto count = 1 + source_.below(200);
        const auto nth = source_.below(8);
        for (unsigned i = 0; i < count; ++i) {
          if (nth == 0 || i % nth != 0) drop((first + i) % orders);
        }
        break;
      }
      case 7:
        drain_to(source_.below(3));
        break;
      case 8:
        for (auto left = 1 + source_.below(100); left > 0; --left) take_newest();
        break;
      case 9:
        for (auto left = 1 + source_.below(100); left > 0; --left) {
          bool dropped = false;
          same(attempt(source_, [&] { dropped = outbox_.drop_oldest_hint(); }), "it can't fail");
          same(dropped == model_.drop_oldest_hint(), "drop_oldest_hint");
        }
        break;
      case 10:
        take_application(source_.below(orders));
        break;
      case 11: {  // Many of the application's own, of a few topics.
        const auto first = source_.below(orders);
        const auto count = 1 + source_.below(100);
        for (unsigned i = 0; i < count; ++i) push(QueuedKind::application, (first + i) % orders);
        break;
      }
      default: {  // Leave all but a few, from either end.
        const auto keep = source_.below(3);
        const bool from_the_end = source_.below(2) == 0;
        for (unsigned i = 0; i < orders && model_.size() > keep; ++i) {
          drop(from_the_end ? orders - 1 - i : i);
        }
      }
    }
  }

  /// Control messages have few topics, or none; those of the application's own a few an order.
  static std::string topic(QueuedKind kind, unsigned number) {
    if (kind == QueuedKind::application) {
      return 'w' + std::to_string(number % 20) + '/' + std::to_string(number % 3);
    }
    if (kind != QueuedKind::control) return std::to_string(number);
    return number % 3 == 0 ? std::string() : std::to_string(number % 7);
  }

  void push(QueuedKind kind, unsigned number) {
    const auto order = topic(kind, number);
    const bool conflates = kind != QueuedKind::application || number % 4 != 0;
    const std::size_t bytes = source_.below(256);
    const auto frame = std::make_shared<const Text>(++frames_);
    auto result = PushResult::full;
    // A message that memory ran out for changes nothing: the caller closes, or tries again.
    if (attempt(source_, [&] { result = outbox_.push(kind, order, frame, bytes, conflates); })) {
      same(result == model_.push(kind, order, frame->text, bytes, conflates), "push");
    }
    check();
  }
  void drop(unsigned number) {
    const auto order = std::to_string(number);
    bool dropped = false;
    same(attempt(source_, [&] { dropped = outbox_.drop_updates(order); }), "a drop can't fail");
    same(dropped == model_.drop_updates(order), "drop_updates");
  }
  void take_application(unsigned number) {
    const auto prefix = 'w' + std::to_string(number % 20) + '/';
    std::string taken;
    const auto take = [&](const std::string&, const Frame& frame, std::size_t, bool) {
      taken += frame->text + ' ';
    };
    outbox_.take_application(prefix, take);
    same(taken == model_.take_application(prefix), "take_application");
  }
  void take_newest() {
    std::optional<std::string> taken;
    // The order's name may need memory; without it the message stays.
    if (!attempt(source_, [&] { taken = outbox_.take_newest_update(); })) return;
    const auto expected = model_.take_newest_update();
    same(taken.value_or("") == expected, "take_newest_update");
  }
  void pop() {
    same(outbox_.front()->text == model_.front(), "the front is the same");
    same(outbox_.front_bytes() == model_.front_bytes(), "the front's bytes");
    same(attempt(source_, [&] { outbox_.pop(); }), "a pop can't fail");
    model_.pop();
  }
  void drain_to(std::size_t most) {
    while (model_.size() > most) {
      pop();
      check();
    }
  }
  void check() const {
    same(outbox_.size() == model_.size() && outbox_.empty() == model_.empty(), "size");
    same(outbox_.bytes() == model_.bytes(), "bytes");
    same(max_messages_ == 0 || outbox_.size() <= max_messages_, "the bound in messages");
    same(max_bytes_ == 0 || outbox_.size() < 2 || outbox_.bytes() <= max_bytes_,
         "the bound in bytes");
    same(Text::alive_ <= model_.size() + 1, "what has left is not held any longer");
  }

  Source& source_;
  std::size_t max_messages_;
  std::size_t max_bytes_;
  // Half of the runs pass the end of the ids, which have 31 bits.
  Outbox<Frame> outbox_{max_messages_, max_bytes_,
                        source_.below(2) == 0 ? 0 : 0x7FFF'FFFFU - source_.below(1000)};
  NaiveOutbox model_{max_messages_, max_bytes_};
  unsigned frames_ = 0;
};

}  // namespace ordercast::test
