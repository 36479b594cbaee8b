// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/error.hpp>
#include <ordercast/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

/// The messages of the wire, as closed sets: what a client may say, what a server may say. How they
/// look as text is the codec's business (json_codec.hpp). Plain values, no thread rules.
namespace ordercast {

// Client to server. These own their text: a message may outlive the frame that brought it.

/// Watch an order; with `since`, answer with the current order if it is newer than that version.
/// `epoch` names the store that `since` was counted in; where it is not the server's, `since`
/// counts as absent and the current order is sent.
struct Subscribe {
  std::string order_id;
  std::optional<std::uint64_t> since;
  std::optional<std::string> epoch = std::nullopt;
};
struct Unsubscribe {
  std::string order_id;
};
struct Ping {};
/// Whether anybody looks at what this connection shows; nothing is answered.
struct Presence {
  bool visible = false;
};

using ClientMessage = std::variant<Subscribe, Unsubscribe, Ping, Presence>;

// Server to client. These borrow their text: they are encoded at once.

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
/// A refusal; `order_id` is empty where no order is meant.
struct ErrorMessage {
  ErrorCode code = ErrorCode::bad_message;
  std::string_view message;
  std::string_view order_id;
};

using ServerMessage = std::variant<Pong, Hello, OrderUpdated, OrdersChanged, ErrorMessage>;

/// Why a text is not a ClientMessage. `message` is a static sentence.
struct DecodeError {
  ErrorCode code = ErrorCode::bad_message;
  std::string_view message;
  std::string order_id;  ///< The order that was named, if one was; else empty.
};

using Decoded = std::variant<ClientMessage, DecodeError>;

}  // namespace ordercast
