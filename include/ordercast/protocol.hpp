// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/error.hpp>
#include <ordercast/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The messages of the protocol, as closed sets: from clients and from servers. The codec
/// (json_codec.hpp) converts them to text. Plain values, no thread rules.
namespace ordercast {

// Client to server. These own their text: a message may outlive its frame.

/// Watches an order. With `since`, the server answers with the current order if it is newer than
/// that version. `epoch` names the store of `since`; if it is not the server's, the server ignores
/// `since` and sends the current order.
struct Subscribe {
  std::string order_id;
  std::optional<std::uint64_t> since;
  std::optional<std::string> epoch = std::nullopt;
};
struct Unsubscribe {
  std::string order_id;
};
struct Ping {};
/// Says whether somebody is looking at this connection's screen; there is no answer.
struct Presence {
  bool visible = false;
};

/// Why a text, or one entry of a batch, is not a ClientMessage. `message` is a static sentence.
struct DecodeError {
  ErrorCode code = ErrorCode::bad_message;
  std::string_view message;
  std::string order_id;  ///< The order in the message; empty if there is none.
};

/// Several subscribes or unsubscribes in one message, each as if it had been sent alone: an entry
/// that is wrong is refused by itself. Of `Subscribe`, `epoch` is that of each entry without one;
/// decoding gives it to those entries.
template <class Message>
struct Batch {
  std::vector<std::variant<Message, DecodeError>> entries;
  std::optional<std::string> epoch = std::nullopt;
};

using ClientMessage =
    std::variant<Subscribe, Unsubscribe, Ping, Presence, Batch<Subscribe>, Batch<Unsubscribe>>;

// Server to client. These borrow their text and are encoded at once.

struct Pong {};
/// First message to a client of `ordercast.v2`: the store's epoch and this node's name.
struct Hello {
  std::string_view epoch;
  std::string_view node;
};
/// The full order, as one JSON object, to each connection that is subscribed to it.
struct OrderUpdated {
  std::string_view order_id;
  std::string_view json;
};
/// A hint that a list of orders is out of date: exactly these fields.
struct OrdersChanged {
  std::string_view order_id;
  std::string_view status;
};
/// A refusal; `order_id` is empty if it is not about an order.
struct ErrorMessage {
  ErrorCode code = ErrorCode::bad_message;
  std::string_view message;
  std::string_view order_id;
};

using ServerMessage = std::variant<Pong, Hello, OrderUpdated, OrdersChanged, ErrorMessage>;

using Decoded = std::variant<ClientMessage, DecodeError>;

}  // namespace ordercast
