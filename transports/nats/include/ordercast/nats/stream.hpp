// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/nats/connection.hpp>
#include <ordercast/nats/options.hpp>

#include <nats/nats.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

/// Manages the stream: whether it exists, what it holds, and its consumer. Every call waits for the
/// network, at most until the request deadline.
namespace ordercast::nats {

/// What a stream holds.
struct StreamState {
  std::string name;    ///< Differs from that of another stream made in its place.
  std::string leader;  ///< The server that decides what is in it; empty where there is one server.
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

struct Consumer {
  std::string name;
  std::uint64_t pending = 0;  ///< Messages that it had to send when it was made.
};

class Stream {
 public:
  /// Both must outlive it.
  Stream(const Options& options, Connection& connection)
      : options_(options), connection_(connection) {}

  /// Looks at the stream, and creates it if there is none. Returns false with a reason on failure.
  bool look(StreamState& state, std::string& reason) {
    jsStreamInfo* found = nullptr;
    jsErrCode code{};
    auto status =
        js_GetStreamInfo(&found, connection_.jetstream(), options_.stream.c_str(), nullptr, &code);
    if (status == NATS_NOT_FOUND) status = make(&found);
    const StreamInfoPtr info(found);
    if (status != NATS_OK || !info) {
      reason = std::string("the stream does not answer: ") + natsStatus_GetText(status);
      return false;
    }
    state.name = std::to_string(info->Created);
    const auto* cluster = info->Cluster;
    state.leader = cluster != nullptr && cluster->Leader != nullptr ? cluster->Leader : "";
    state.first = info->State.FirstSeq;
    state.last = info->State.LastSeq;
    return true;
  }

  /// Asks the server to send everything after `after` to `inbox`, in order, with heartbeats. The
  /// server ends the consumer when nobody listens any more. Returns false with a reason on failure.
  bool consume(std::uint64_t after, const std::string& inbox, Consumer& consumer,
               std::string& reason) {
    jsConsumerConfig config;
    jsConsumerConfig_Init(&config);
    config.DeliverSubject = inbox.c_str();
    config.DeliverPolicy = js_DeliverByStartSequence;
    config.OptStartSeq = after + 1;
    config.AckPolicy = js_AckNone;
    config.MaxDeliver = 1;
    config.FlowControl = true;
    config.Heartbeat = nanoseconds(options_.heartbeat);
    config.InactiveThreshold = nanoseconds(options_.heartbeat * 10);
    config.Replicas = 1;
    config.MemoryStorage = true;
    jsConsumerInfo* made = nullptr;
    jsErrCode code{};
    const auto status = js_AddConsumer(&made, connection_.jetstream(), options_.stream.c_str(),
                                       &config, nullptr, &code);
    const ConsumerInfoPtr info(made);
    if (status != NATS_OK || !info) {
      reason = std::string("no consumer was made: ") + natsStatus_GetText(status);
      return false;
    }
    consumer.name = info->Name;
    consumer.pending = info->NumPending;
    return true;
  }

  /// Tells the server that a consumer is no longer needed. It would notice by itself, later.
  void forget(const std::string& consumer) {
    if (!connection_.is_connected()) return;
    jsOptions brief;
    jsOptions_Init(&brief);
    brief.Wait = 250;
    static_cast<void>(js_DeleteConsumer(connection_.jetstream(), options_.stream.c_str(),
                                        consumer.c_str(), &brief, nullptr));
  }

 private:
  natsStatus make(jsStreamInfo** info) {
    const std::string subject = options_.subject_prefix + ".>";
    const char* subjects[] = {subject.c_str()};  // NOLINT(modernize-avoid-c-arrays): C interface
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = options_.stream.c_str();
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    config.Retention = js_LimitsPolicy;
    config.Discard = js_DiscardOld;
    config.Replicas = options_.replicas;
    config.MaxAge = nanoseconds(options_.max_age);
    config.MaxBytes = options_.max_bytes == 0 ? -1 : options_.max_bytes;
    config.Duplicates = nanoseconds(options_.duplicate_window);
    jsErrCode code{};
    return js_AddStream(info, connection_.jetstream(), &config, nullptr, &code);
  }

  const Options& options_;
  Connection& connection_;
};

}  // namespace ordercast::nats
