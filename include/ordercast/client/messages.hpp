// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/protocol.hpp>

#include <cstdint>
#include <string>
#include <variant>

/// Messages of a server for the client side: the counterparts of protocol.hpp that own their text.
/// Plain values, no thread rules.
namespace ordercast::client {

/// The first message to a client of `ordercast.v2`.
struct ServerHello {
  std::string epoch;  ///< Names the store that versions belong to.
  std::string node;   ///< The server's name, for people; may be empty.
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
  std::string order_id;  ///< Empty if it is not about an order.
};

/// A text that is not a known message: `unknown` from a newer server, or `invalid`.
enum class Undecoded : std::uint8_t { unknown, invalid };

using Incoming = std::variant<Pong, ServerHello, OrderUpdate, OrderHint, ServerError, Undecoded>;

}  // namespace ordercast::client
