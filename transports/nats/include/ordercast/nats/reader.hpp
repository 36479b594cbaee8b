// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/backplane.hpp>
#include <ordercast/nats/connection.hpp>
#include <ordercast/nats/options.hpp>
#include <ordercast/nats/stream.hpp>
#include <ordercast/nats/stream_message.hpp>
#include <ordercast/nats/stream_promise.hpp>
#include <ordercast/nats/wire.hpp>

#include <nats/nats.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

/// Reads the stream in order, on its own thread, and reports whenever a message may have been
/// missed.
///
/// It tracks its position itself instead of using libnats' ordered consumer. That one goes on after
/// a gap without a report, and waits forever for a sequence number that a new stream will not have.
namespace ordercast::nats {

class Reader {
 public:
  /// All must outlive it; `connection` must be closed before it is destroyed. `self` names what
  /// this process publishes.
  Reader(const Options& options, Connection& connection, std::string self)
      : options_(options),
        connection_(connection),
        stream_(options, connection),
        self_(std::move(self)) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  Reader(Reader&&) = delete;
  Reader& operator=(Reader&&) = delete;
  ~Reader() { join(); }

  void start(BackplaneReceiver receiver, std::optional<BackplanePosition> after) {
    receiver_ = std::move(receiver);
    position_ = std::move(after);
    thread_ = std::thread([this] { run(); });
  }

  /// Ends the thread after the connection was closed.
  void join() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] std::optional<BackplanePosition> position() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return position_;
  }
  [[nodiscard]] bool hears() const noexcept { return hears_.load(); }
  [[nodiscard]] std::uint64_t behind() const noexcept { return behind_.load(); }

 private:
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::milliseconds;

  /// How often it checks the connection.
  static constexpr Milliseconds look{250};

  void run() {
    constexpr Milliseconds first_pause{100};
    constexpr Milliseconds last_pause{2000};
    auto pause = first_pause;
    while (!is_stopping()) {
      try {
        if (read_once()) {
          pause = first_pause;
          continue;
        }
      } catch (const std::exception& error) {  // Out of memory.
        subscription_.reset();
        lose(error.what());
      }
      wait(pause);
      pause = (std::min)(pause * 2, last_pause);
    }
    hears_ = false;
  }

  /// Reads until something is wrong. False if it could not begin.
  bool read_once() {
    if (!connection_.is_connected()) {
      lose("NATS is disconnected");
      return false;
    }
    std::string reason;
    if (!open(reason)) {
      lose(reason);
      return false;
    }
    reason = read();
    subscription_.reset();
    if (is_stopping()) return true;
    stream_.forget(consumer_.name);
    lose(reason);
    return true;
  }

  /// Starts to consume after the last message that was handed over.
  bool open(std::string& reason) {
    reconnects_ = connection_.reconnects();
    StreamState state;
    if (!stream_.look(state, reason)) return false;
    find_place(state);
    natsInbox* inbox = nullptr;
    if (natsInbox_Create(&inbox) != NATS_OK) return false;
    const std::string subject = inbox;
    natsInbox_Destroy(inbox);
    natsSubscription* made = nullptr;
    // Before the consumer, which ends if nobody listens.
    if (natsConnection_SubscribeSync(&made, connection_.get(), subject.c_str()) != NATS_OK) {
      reason = "the inbox can't be subscribed to";
      return false;
    }
    subscription_.reset(made);
    natsSubscription_SetPendingLimits(made, -1, static_cast<int>(options_.max_unread_bytes));
    if (!stream_.consume(sequence_, subject, consumer_, reason)) {
      subscription_.reset();
      return false;
    }
    consumer_sequence_ = 0;
    caught_up_at_ = state.last;
    promise_.begin(state);
    if (consumer_.pending == 0 && sequence_ < state.last) {
      // The newest messages were deleted, so that none will come that shows the gap.
      move_to(state.last);
      fall_behind("the stream no longer has what was missed");
    }
    if (sequence_ >= caught_up_at_) hears_ = true;
    return true;
  }

  /// Finds the position at which to go on in the stream as it is now.
  void find_place(const StreamState& state) {
    const auto before = position();
    if (!before) return move_to(state.name, state.last);
    if (before->stream != state.name) {
      // The stream was made after our last look, so everything in it may be new.
      move_to(state.name, state.first == 0 ? 0 : state.first - 1);
      return fall_behind("the stream is another one than before");
    }
    if (before->sequence > state.last) {
      move_to(state.name, state.last);
      return fall_behind("the stream has lost its end");
    }
    if (before->sequence + 1 < state.first) {
      move_to(state.name, state.first - 1);
      return fall_behind("the stream no longer has what was missed");
    }
    sequence_ = before->sequence;
  }

  /// Reads until something is wrong, and returns what.
  std::string read() {
    auto heard_at = Clock::now();
    auto looked_at = heard_at;
    auto confirmed_at = heard_at;
    for (;;) {
      natsMsg* received = nullptr;
      const auto status = natsSubscription_NextMsg(&received, subscription_.get(), look.count());
      const MessagePtr message(received);
      const auto now = Clock::now();
      if (status == NATS_OK) {
        heard_at = now;
        if (auto trouble = on_message(message.get()); !trouble.empty()) return trouble;
      } else if (status == NATS_SLOW_CONSUMER) {
        return "more has arrived than was taken";
      } else if (status != NATS_TIMEOUT) {
        return std::string("the subscription has ended: ") + natsStatus_GetText(status);
      }
      if (now - looked_at >= look) {
        looked_at = now;
        if (is_stopping()) return "stopping";
        if (!connection_.is_connected()) return "NATS is disconnected";
        if (connection_.reconnects() != reconnects_) return "NATS was disconnected";
      }
      if (now - heard_at >= 3 * options_.heartbeat) return "the stream is silent";
      if (now - confirmed_at >= 3 * options_.heartbeat) {
        if (auto trouble = confirm(); !trouble.empty()) return trouble;
        confirmed_at = Clock::now();
      }
    }
  }

  /// Asks the stream's leader whether the consumer gets what comes; see StreamPromise.
  std::string confirm() {
    StreamState state;
    std::string reason;
    if (!stream_.look(state, reason)) return reason;
    return std::string(promise_.look(state, sequence_, consumer_sequence_));
  }

  /// Returns what is wrong with the message; empty if nothing is.
  std::string on_message(natsMsg* message) {
    const auto status = status_of(message);
    if (status == "100") return on_heartbeat(message);
    if (!status.empty()) return "the consumer has ended: " + status;
    StreamMetadata metadata;
    const char* reply = natsMsg_GetReply(message);
    if (reply == nullptr || !read_metadata(reply, metadata)) return {};  // Not from the stream.
    if (metadata.consumer_sequence != consumer_sequence_ + 1) return "messages got lost on the way";
    ++consumer_sequence_;
    if (metadata.stream_sequence > sequence_ + 1) {
      fall_behind("the stream no longer has what was missed");
    }
    hand_over(message, metadata.stream_sequence);
    move_to(metadata.stream_sequence);
    if (sequence_ >= caught_up_at_) hears_ = true;
    return {};
  }

  std::string on_heartbeat(natsMsg* message) {
    if (const auto reply = flow_control_reply(message); !reply.empty()) {
      natsConnection_Publish(connection_.get(), reply.c_str(), nullptr, 0);
    }
    std::uint64_t delivered = 0;
    if (read_last_delivered(message, delivered) && delivered != consumer_sequence_) {
      return "messages got lost on the way";
    }
    return {};
  }

  void hand_over(natsMsg* message, std::uint64_t sequence) {
    const std::string_view data(natsMsg_GetData(message),
                                static_cast<std::size_t>(natsMsg_GetDataLength(message)));
    try {
      const auto read = decode(data);
      if (!read) return fall_behind("a message can't be read");
      const BackplaneDelivery delivery{sequence, read->from == self_};
      if (read->type == WireMessage::Type::order && receiver_.on_order) {
        receiver_.on_order(read->order(), delivery);
      } else if (read->type == WireMessage::Type::notice && receiver_.on_notice) {
        receiver_.on_notice(read->notice(), delivery);
      }
    } catch (...) {
      fall_behind("a receiver threw");
    }
  }

  void move_to(std::uint64_t sequence) {
    sequence_ = sequence;
    const std::lock_guard<std::mutex> lock(mutex_);
    position_->sequence = sequence;
  }
  void move_to(const std::string& stream, std::uint64_t sequence) {
    sequence_ = sequence;
    const std::lock_guard<std::mutex> lock(mutex_);
    position_ = BackplanePosition{stream, sequence};
  }

  /// Notes that the reader no longer hears the stream. Counts once until it hears it again.
  void lose(std::string_view reason) {
    if (hears_.exchange(false)) fall_behind(reason);
  }
  void fall_behind(std::string_view reason) {
    ++behind_;
    try {
      if (receiver_.on_behind) receiver_.on_behind(reason);
    } catch (...) {  // NOLINT(bugprone-empty-catch): `behind()` has grown anyway.
    }
  }

  [[nodiscard]] bool is_stopping() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return stopping_;
  }
  void wait(Milliseconds most) {
    std::unique_lock<std::mutex> lock(mutex_);
    stop_.wait_for(lock, most, [this] { return stopping_; });
  }

  const Options& options_;
  Connection& connection_;
  Stream stream_;
  const std::string self_;
  BackplaneReceiver receiver_;
  std::atomic<bool> hears_{false};
  std::atomic<std::uint64_t> behind_{0};

  mutable std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::optional<BackplanePosition> position_;

  // The reader's thread only.
  SubscriptionPtr subscription_;
  Consumer consumer_;
  std::uint64_t sequence_ = 0;           // Of the last message that was handed over.
  std::uint64_t consumer_sequence_ = 0;  // Of the consumer's last message.
  std::uint64_t caught_up_at_ = 0;       // The stream's end when the consumer was made.
  std::uint64_t reconnects_ = 0;
  StreamPromise promise_;

  std::thread thread_;
};

}  // namespace ordercast::nats
