// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/nats/stream.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace ordercast::nats {

/// Compares what the stream's leader says with what a consumer brings.
///
/// A consumer lives on one server. Where that server is cut off from the others, it goes on with
/// heartbeats and learns nothing. And where servers elect a leader that lacks the newest messages,
/// the stream goes on from an earlier number: what takes the numbers of the lost messages never
/// comes from a consumer that is past them.
class StreamPromise {
 public:
  /// A consumer was made for the stream as it is now.
  void begin(const StreamState& state) {
    name_ = state.name;
    leader_ = state.leader;
    last_ = 0;
    received_ = 0;
  }

  /// The leader was asked. `sequence` is that of the last message that was taken, `received` counts
  /// those of this consumer. Returns what is wrong; empty if nothing is.
  [[nodiscard]] std::string_view look(const StreamState& state, std::uint64_t sequence,
                                      std::uint64_t received) {
    if (state.name != name_) return "the stream is another one than before";
    if (state.leader != leader_) return "the stream has another leader";
    if (state.last < sequence) return "the stream has lost its end";
    if (sequence < last_ && received == received_) {
      return "the consumer gets nothing of what comes";
    }
    last_ = state.last;
    received_ = received;
    return {};
  }

 private:
  std::string name_;
  std::string leader_;
  // At the last look: the stream's end, and the consumer's messages until then.
  std::uint64_t last_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace ordercast::nats
