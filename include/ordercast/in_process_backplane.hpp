// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/backplane.hpp>

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A backplane within one process: for a single server, and for tests with several "nodes".
///
/// It has no thread: receivers run on the publisher's thread, one call at a time. A publish from
/// inside a call is delivered after it. O(receivers) for each message.
///
///     const auto stream = std::make_shared<InProcessStream>();
///     InProcessBackplane a(stream), b(stream);
///     b.subscribe({on_order, on_notice, on_behind});
///     a.publish(event, [](BackplaneAnswer answer) { /* stored */ });
namespace ordercast {

class InProcessBackplane;

/// The stream that the backplanes of one process share. Keeps the newest `most_kept` messages for
/// nodes that reconnect. Thread-safe.
class InProcessStream {
 public:
  explicit InProcessStream(std::size_t most_kept = 1024) : most_kept_(most_kept) {}

  /// Deletes all kept messages, as an operator may do with a stream.
  void purge() {
    const std::lock_guard<std::mutex> lock(mutex_);
    kept_.clear();
  }

 private:
  friend class InProcessBackplane;

  struct Message {
    const InProcessBackplane* publisher = nullptr;
    bool is_order = true;
    std::uint64_t version = 0;
    /// Id, owner, organization, status, JSON and assignee of an order; kind and text of a notice.
    std::vector<std::string> texts;
  };

  std::mutex mutex_;
  std::condition_variable delivered_;
  const std::size_t most_kept_;
  std::deque<std::shared_ptr<const Message>> kept_;
  std::uint64_t last_sequence_ = 0;
  std::vector<InProcessBackplane*> members_;
  bool delivering_ = false;
  const InProcessBackplane* calling_ = nullptr;  // The backplane whose receiver is running.
};

class InProcessBackplane {
 public:
  explicit InProcessBackplane(
      std::shared_ptr<InProcessStream> stream = std::make_shared<InProcessStream>())
      : stream_(std::move(stream)) {}
  InProcessBackplane(const InProcessBackplane&) = delete;
  InProcessBackplane& operator=(const InProcessBackplane&) = delete;
  InProcessBackplane(InProcessBackplane&&) = delete;
  InProcessBackplane& operator=(InProcessBackplane&&) = delete;
  ~InProcessBackplane() { stop(); }

  template <class Done>
  void publish(const OrderEvent& event, Done done) {
    publish({this,
             true,
             event.version,
             {std::string(event.order_id), std::string(event.owner.view()),
              std::string(event.organization.view()), std::string(event.status),
              std::string(event.json), std::string(event.assignee.view())}},
            event.order_id.empty() || event.order_id.size() > max_order_id_bytes, done);
  }
  template <class Done>
  void publish(const BackplaneNotice& notice, Done done) {
    publish({this, false, 0, {std::string(notice.kind), std::string(notice.text)}},
            !is_valid(notice), done);
  }

  void subscribe(BackplaneReceiver receiver, std::optional<BackplanePosition> after = {}) {
    std::unique_lock<std::mutex> lock(stream_->mutex_);
    assert(!subscribed_);
    receiver_ = std::move(receiver);
    subscribed_ = true;
    position_ = stream_->last_sequence_;
    if (after) resume(after->stream == stream_name() ? after->sequence : UINT64_MAX);
    stream_->members_.push_back(this);
    deliver(lock);
  }

  [[nodiscard]] std::optional<BackplanePosition> position() const {
    const std::lock_guard<std::mutex> lock(stream_->mutex_);
    if (!subscribed_) return std::nullopt;
    return BackplanePosition{stream_name(), position_};
  }
  [[nodiscard]] bool hears() const {
    const std::lock_guard<std::mutex> lock(stream_->mutex_);
    return subscribed_ && connected_;
  }
  [[nodiscard]] std::uint64_t behind() const {
    const std::lock_guard<std::mutex> lock(stream_->mutex_);
    return behind_;
  }

  void stop() {
    std::unique_lock<std::mutex> lock(stream_->mutex_);
    subscribed_ = false;
    stopped_ = true;
    auto& members = stream_->members_;
    members.erase(std::remove(members.begin(), members.end(), this), members.end());
    stream_->delivered_.wait(lock, [this] { return stream_->calling_ != this; });
  }

  /// For tests: disconnects this node, so that it receives nothing and can't publish.
  void cut_off() {
    std::unique_lock<std::mutex> lock(stream_->mutex_);
    if (!std::exchange(connected_, false)) return;
    fall_behind("cut off");
    deliver(lock);
  }
  /// Reconnects. Falls behind again if messages that it missed are no longer kept.
  void reconnect() {
    std::unique_lock<std::mutex> lock(stream_->mutex_);
    if (std::exchange(connected_, true)) return;
    resume(position_);
    deliver(lock);
  }

 private:
  template <class Done>
  void publish(InProcessStream::Message message, bool is_refused, Done& done) {
    auto answer = is_refused ? BackplaneAnswer::refused : BackplaneAnswer::stored;
    std::unique_lock<std::mutex> lock(stream_->mutex_);
    if (!connected_ || stopped_) answer = BackplaneAnswer::unavailable;
    if (answer == BackplaneAnswer::stored) {
      stream_->kept_.push_back(
          std::make_shared<const InProcessStream::Message>(std::move(message)));
      ++stream_->last_sequence_;
      if (stream_->kept_.size() > stream_->most_kept_) stream_->kept_.pop_front();
    }
    lock.unlock();
    try {
      done(answer);
    } catch (
        ...) {  // NOLINT(bugprone-empty-catch): an exception of the caller's callback is ignored.
    }
    lock.lock();
    deliver(lock);
  }

  [[nodiscard]] std::string stream_name() const {
    return std::to_string(reinterpret_cast<std::uintptr_t>(stream_.get()));
  }

  // Needs the stream's lock.
  [[nodiscard]] std::uint64_t first_kept() const {
    return stream_->last_sequence_ + 1 - stream_->kept_.size();
  }
  void fall_behind(std::string reason) {
    ++behind_;
    reasons_.push_back(std::move(reason));
  }
  void resume(std::uint64_t after) {
    position_ = after;
    if (after > stream_->last_sequence_ || after + 1 < first_kept()) {
      position_ = after > stream_->last_sequence_ ? stream_->last_sequence_ : first_kept() - 1;
      fall_behind("the stream no longer has what was missed");
    }
  }
  [[nodiscard]] bool has_work() const {
    return !reasons_.empty() || (connected_ && position_ < stream_->last_sequence_);
  }

  /// Calls receivers until no message waits, unless another thread is already doing so.
  void deliver(std::unique_lock<std::mutex>& lock) {
    if (std::exchange(stream_->delivering_, true)) return;
    for (;;) {
      const auto found = std::find_if(stream_->members_.begin(), stream_->members_.end(),
                                      [](const auto* member) { return member->has_work(); });
      if (found == stream_->members_.end()) break;
      (*found)->deliver_one(lock);
    }
    stream_->delivering_ = false;
  }

  void deliver_one(std::unique_lock<std::mutex>& lock) {
    std::function<void()> call;
    const bool is_message = reasons_.empty();
    if (!is_message) {
      call = [this, reason = std::move(reasons_.front())] {
        if (receiver_.on_behind) receiver_.on_behind(reason);
      };
      reasons_.pop_front();
    } else if (position_ + 1 < first_kept()) {
      position_ = first_kept() - 1;
      return fall_behind("the stream no longer has what was missed");
    } else {
      const auto message = stream_->kept_[position_ + 1 - first_kept()];
      call = [this, message,
              delivery = BackplaneDelivery{++position_, message->publisher == this}] {
        hand_over(*message, delivery);
      };
    }
    stream_->calling_ = this;
    lock.unlock();
    bool threw = false;
    try {
      call();
    } catch (...) {
      threw = true;
    }
    call = {};
    lock.lock();
    stream_->calling_ = nullptr;
    if (threw && is_message && subscribed_) fall_behind("a receiver threw");
    stream_->delivered_.notify_all();
  }

  void hand_over(const InProcessStream::Message& message, const BackplaneDelivery& delivery) const {
    const auto& texts = message.texts;
    if (message.is_order) {
      if (!receiver_.on_order) return;
      receiver_.on_order({texts[0], OwnerId(texts[1]), OrganizationId(texts[2]), texts[3],
                          message.version, texts[4], AssigneeId(texts[5])},
                         delivery);
    } else if (receiver_.on_notice) {
      receiver_.on_notice({texts[0], texts[1]}, delivery);
    }
  }

  const std::shared_ptr<InProcessStream> stream_;
  // Guarded by the stream's mutex.
  BackplaneReceiver receiver_;
  bool subscribed_ = false;
  bool connected_ = true;
  bool stopped_ = false;
  std::uint64_t position_ = 0;
  std::uint64_t behind_ = 0;
  std::deque<std::string> reasons_;  // Not reported yet.
};

static_assert(is_backplane<InProcessBackplane>);

}  // namespace ordercast
