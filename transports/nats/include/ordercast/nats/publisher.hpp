// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/backplane.hpp>
#include <ordercast/nats/connection.hpp>
#include <ordercast/nats/options.hpp>
#include <ordercast/nats/unacknowledged.hpp>

#include <nats/nats.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

/// Publishes with acknowledgement, many at a time.
///
/// `publish` only writes to the connection; one thread reads the acknowledgements and answers what
/// has waited too long. During an outage, libnats reports a message as sent and loses it, so only
/// the stream's acknowledgement counts.
namespace ordercast::nats {

/// Thread-safe. `connection` must outlive it and be closed before it is destroyed.
class Publisher {
 public:
  using Done = Unacknowledged::Done;

  Publisher(const Options& options, Connection& connection)
      : options_(options),
        connection_(connection),
        waiting_(options.max_unacknowledged, options.max_unacknowledged_bytes) {
    natsInbox* inbox = nullptr;
    if (natsInbox_Create(&inbox) == NATS_OK) {
      inbox_ = inbox;
      natsInbox_Destroy(inbox);
    }
    natsSubscription* made = nullptr;
    if (inbox_.empty() || natsConnection_SubscribeSync(&made, connection_.get(),
                                                       (inbox_ + ".*").c_str()) != NATS_OK) {
      throw std::runtime_error("NATS: the acknowledgements can't be subscribed to");
    }
    acknowledgements_.reset(made);
    natsSubscription_SetPendingLimits(made, -1,
                                      -1);  // The publishes without acknowledgement are the limit.
    thread_ = std::thread([this] { run(); });
  }
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  Publisher(Publisher&&) = delete;
  Publisher& operator=(Publisher&&) = delete;
  ~Publisher() { join(); }

  /// Messages with the same `id` are stored once within the duplicate window; an empty one means no
  /// id. What `done` throws is ignored.
  void publish(const std::string& subject, const std::string& id, std::string_view data,
               Done done) {
    std::uint64_t number = 0;
    try {
      if (connection_.is_connected()) {
        number = waiting_.enter(done, data.size(), Clock::now() + options_.publish_deadline);
      }
      if (number != 0 && send(subject, inbox_ + "." + std::to_string(number), id, data)) return;
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): it is answered below.
    }
    if (number != 0) return waiting_.settle(number, BackplaneAnswer::unavailable);
    Unacknowledged::answer(done, BackplaneAnswer::unavailable);
  }

  /// Ends the thread after the connection was closed, and answers the publishes that still wait.
  void join() {
    waiting_.stop();
    if (thread_.joinable()) thread_.join();
    waiting_.expire((Clock::time_point::max)());
  }

 private:
  using Clock = Unacknowledged::Clock;

  bool send(const std::string& subject, const std::string& reply, const std::string& id,
            std::string_view data) {
    natsMsg* made = nullptr;
    if (natsMsg_Create(&made, subject.c_str(), reply.c_str(), data.data(),
                       static_cast<int>(data.size())) != NATS_OK) {
      return false;
    }
    const MessagePtr message(made);
    if (!id.empty() && natsMsgHeader_Set(made, "Nats-Msg-Id", id.c_str()) != NATS_OK) return false;
    // Another stream with our subjects would acknowledge too.
    if (natsMsgHeader_Set(made, "Nats-Expected-Stream", options_.stream.c_str()) != NATS_OK) {
      return false;
    }
    return natsConnection_PublishMsg(connection_.get(), made) == NATS_OK;
  }

  void run() {
    constexpr std::chrono::milliseconds look{100};
    auto next_look = Clock::now() + look;
    for (;;) {
      natsMsg* received = nullptr;
      const auto status =
          natsSubscription_NextMsg(&received, acknowledgements_.get(), look.count());
      const MessagePtr message(received);
      if (status == NATS_CONNECTION_CLOSED || status == NATS_INVALID_SUBSCRIPTION) return;
      try {
        if (status == NATS_OK) on_acknowledgement(message.get());
        if (const auto now = Clock::now(); now >= next_look) {
          next_look = now + look;
          waiting_.expire(now);
        }
      } catch (...) {  // NOLINT(bugprone-empty-catch)
        // Out of memory: an acknowledgement that was not read expires.
      }
    }
  }

  void on_acknowledgement(natsMsg* message) {
    const std::string_view subject = natsMsg_GetSubject(message);
    std::uint64_t number = 0;
    for (const char c : subject.substr(subject.rfind('.') + 1)) {
      if (c < '0' || c > '9') return;
      number = number * 10 + static_cast<std::uint64_t>(c - '0');
    }
    waiting_.settle(number,
                    is_stored(message) ? BackplaneAnswer::stored : BackplaneAnswer::unavailable);
  }

  /// No stream has stored it if nobody responds, or if the answer is an error.
  [[nodiscard]] bool is_stored(natsMsg* message) const {
    if (natsMsg_IsNoResponders(message)) return false;
    const auto* data = natsMsg_GetData(message);
    const auto answer =
        nlohmann::json::parse(data, data + natsMsg_GetDataLength(message), nullptr, false);
    if (!answer.is_object() || answer.contains("error")) return false;
    const auto stream = answer.find("stream");
    return stream != answer.end() && *stream == options_.stream;
  }

  const Options& options_;
  Connection& connection_;
  std::string inbox_;
  SubscriptionPtr acknowledgements_;
  Unacknowledged waiting_;
  std::thread thread_;
};

}  // namespace ordercast::nats
