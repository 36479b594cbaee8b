// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/protocol.hpp>

#include <cstdint>
#include <string>
#include <variant>

/// What a server says, as a client keeps it: the owning counterparts of protocol.hpp. Plain values,
/// no thread rules.
namespace ordercast::client {

/// The first message to a client of `ordercast.v2`.
struct ServerHello {
  std::string epoch;  ///< Names the store that versions are from; another one has other versions.
  std::string node;   ///< Of the server, for people; may be empty.
};

/// The full order, at a version.
struct OrderUpdate {
  std::string order_id;
  std::uint64_t version = 0;
  std::string json;  ///< One JSON object, as the server sent it.
};

/// A hint that a list of orders is out of date.
struct OrderHint {
  std::string order_id;
  std::string status;
};

/// A refusal. `code` is text, because newer servers may have codes that this client doesn't know;
/// compare with `to_string(ErrorCode)`.
struct ServerError {
  std::string code;
  std::string message;
  std::string order_id;  ///< Empty where no order is meant.
};

/// A text that is no message: of a kind that a newer server may send, or broken.
enum class Undecoded : std::uint8_t { unknown, invalid };

using Incoming = std::variant<Pong, ServerHello, OrderUpdate, OrderHint, ServerError, Undecoded>;

}  // namespace ordercast::client
