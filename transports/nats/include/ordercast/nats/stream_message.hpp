// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/nats/connection.hpp>

#include <nats/nats.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

/// Reads what a push consumer of JetStream sends beside messages, and its data about each message.
namespace ordercast::nats {

/// A message's data from its reply subject.
struct StreamMetadata {
  std::uint64_t stream_sequence = 0;
  std::uint64_t consumer_sequence = 0;
  std::uint64_t pending = 0;  ///< Messages of the stream that come after it.
};

namespace detail {

[[nodiscard]] inline bool read_number(std::string_view text, std::uint64_t& number) noexcept {
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return !text.empty() && error == std::errc{} && stop == end;
}

}  // namespace detail

/// Reads $JS.ACK.STREAM.CONSUMER.DELIVERED.STREAM_SEQ.CONSUMER_SEQ.TIME.PENDING, or the form of
/// newer servers, which has the domain and the account's hash after ACK (NATS ADR 15). Returns
/// false for anything else.
[[nodiscard]] inline bool read_metadata(std::string_view reply, StreamMetadata& metadata) noexcept {
  constexpr std::size_t most = 12;
  std::array<std::string_view, most> tokens;
  std::size_t count = 0;
  for (;;) {
    const auto dot = reply.find('.');
    if (count < most) tokens[count] = reply.substr(0, dot);
    ++count;
    if (dot == std::string_view::npos) break;
    reply.remove_prefix(dot + 1);
  }
  if (count < 9 || count == 10 || tokens[0] != "$JS" || tokens[1] != "ACK") return false;
  const std::size_t shift = count == 9 ? 0 : 2;
  return detail::read_number(tokens[5 + shift], metadata.stream_sequence) &&
         detail::read_number(tokens[6 + shift], metadata.consumer_sequence) &&
         detail::read_number(tokens[8 + shift], metadata.pending);
}

/// The status of a message that carries no data, such as 100 for a heartbeat; "" for data.
[[nodiscard]] inline std::string status_of(natsMsg* message) {
  return natsMsg_GetDataLength(message) == 0 ? header(message, "Status") : std::string();
}

/// Reads how far the consumer had delivered when it sent this heartbeat; false if it doesn't say.
[[nodiscard]] inline bool read_last_delivered(natsMsg* message, std::uint64_t& sequence) {
  return detail::read_number(header(message, "Nats-Last-Consumer"), sequence);
}

/// The subject on which the server waits for an answer before it sends more (flow control); "" for
/// none.
[[nodiscard]] inline std::string flow_control_reply(natsMsg* message) {
  const char* reply = natsMsg_GetReply(message);
  if (reply != nullptr && *reply != '\0') return reply;
  return header(message, "Nats-Consumer-Stalled");
}

}  // namespace ordercast::nats
