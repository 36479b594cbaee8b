// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/backplane.hpp>
#include <ordercast/nats/connection.hpp>
#include <ordercast/nats/options.hpp>

#include <nats/nats.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// Publishes with acknowledgement, many at a time.
///
/// `publish` only writes to the connection; one thread reads the acknowledgements and answers what
/// has waited too long. During an outage, libnats reports a message as sent and loses it, so only
/// the stream's acknowledgement counts.
namespace ordercast::nats {

/// Thread-safe. `connection` must outlive it and be closed before it is destroyed.
class Publisher {
 public:
  using Done = std::function<void(BackplaneAnswer)>;

  Publisher(const Options& options, Connection& connection)
      : options_(options), connection_(connection) {
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
    if (!connection_.is_connected()) return answer(done, BackplaneAnswer::unavailable);
    const auto number = enter(done, data.size());
    if (number == 0) return answer(done, BackplaneAnswer::unavailable);
    if (!send(subject, inbox_ + "." + std::to_string(number), id, data)) {
      settle(number, BackplaneAnswer::unavailable);
    }
  }

  /// Ends the thread after the connection was closed, and answers the publishes that still wait.
  void join() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopped_ = true;
    }
    if (thread_.joinable()) thread_.join();
    expire((Clock::time_point::max)());
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    Done done;
    Clock::time_point deadline;
    std::size_t bytes = 0;
  };

  static void answer(const Done& done, BackplaneAnswer what) noexcept {
    try {
      if (done) done(what);
    } catch (...) {  // NOLINT(bugprone-empty-catch): the caller is responsible for what it throws.
    }
  }

  /// Takes `done` and gives it a number; 0 where there is no room, and `done` stays.
  std::uint64_t enter(Done& done, std::size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_ || waiting_.size() >= options_.max_unacknowledged ||
        bytes_ + bytes > options_.max_unacknowledged_bytes) {
      return 0;
    }
    const auto deadline = Clock::now() + options_.publish_deadline;
    waiting_.emplace(last_number_ + 1, Waiting{std::move(done), deadline, bytes});
    bytes_ += bytes;
    return ++last_number_;
  }

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

  void settle(std::uint64_t number, BackplaneAnswer what) {
    Done done;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto found = waiting_.find(number);
      if (found == waiting_.end()) return;
      done = std::move(found->second.done);
      bytes_ -= found->second.bytes;
      waiting_.erase(found);
    }
    answer(done, what);
  }

  void expire(Clock::time_point now) {
    std::vector<std::uint64_t> late;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      // Numbers grow with deadlines.
      for (const auto& [number, waiting] : waiting_) {
        if (waiting.deadline > now) break;
        late.push_back(number);
      }
    }
    for (const auto number : late) settle(number, BackplaneAnswer::unavailable);
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
          expire(now);
        }
      } catch (...) {  // NOLINT(bugprone-empty-catch)
        // Out of memory: an acknowledgement that was not read expires, and so does what is late
        // now.
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
    settle(number, is_stored(message) ? BackplaneAnswer::stored : BackplaneAnswer::unavailable);
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
  std::mutex mutex_;
  std::map<std::uint64_t, Waiting> waiting_;
  std::size_t bytes_ = 0;
  std::uint64_t last_number_ = 0;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace ordercast::nats
