// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/client/detail/server_message_reader.hpp>
#include <ordercast/client/messages.hpp>
#include <ordercast/json_codec.hpp>
#include <ordercast/protocol.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

/// The wire format from the client's side: converts its messages to text, and the server's texts to
/// messages.
///
/// Decoding reads in one pass and builds no tree. It is bounded in size and depth, and throws only
/// if memory runs out. Returns an order's JSON exactly as it came. Follows the rules of
/// tests/vectors/README.md. Pure functions; thread-safe.
namespace ordercast::client {

/// Bounds of `decode` here: orders are larger than clients' messages.
inline constexpr DecodeLimits server_message_limits{1024 * 1024, 64};

/// Reads one server message. Never throws on input. O(length).
[[nodiscard]] inline Incoming decode(std::string_view text,
                                     const DecodeLimits& limits = server_message_limits) {
  // The parser ends the text at NUL and skips a byte order mark; RFC 8259 allows neither.
  if (text.size() > limits.max_bytes || text.find('\0') != std::string_view::npos ||
      text.substr(0, 3) == "\xEF\xBB\xBF") {
    return Undecoded::invalid;
  }
  const char* at = text.data();
  detail::ServerMessageReader reader(limits.max_depth, at);
  const detail::TrackedIterator first{text.data(), &at};
  const detail::TrackedIterator last{text.data() + text.size(), &at};
  if (!nlohmann::json::sax_parse(first, last, &reader)) return Undecoded::invalid;
  return std::move(reader).result();
}

namespace detail {

struct ClientMessageEncoder {
  static std::string with_order(std::string_view type, std::string_view order_id) {
    std::string out = R"({"type":")";
    out.append(type).append(R"(","orderId":)");
    ordercast::detail::append_json_string(out, order_id);
    return out;
  }
  static void append_rest(std::string& out, const Subscribe& subscribe) {
    if (subscribe.since) out.append(R"(,"since":)").append(std::to_string(*subscribe.since));
    if (subscribe.epoch) {
      out.append(R"(,"epoch":)");
      ordercast::detail::append_json_string(out, *subscribe.epoch);
    }
  }
  static void append_rest(std::string& /*out*/, const Unsubscribe& /*unsubscribe*/) {}
  std::string operator()(const Subscribe& subscribe) const {
    auto out = with_order("subscribe", subscribe.order_id);
    append_rest(out, subscribe);
    return out.append("}");
  }
  std::string operator()(const Unsubscribe& unsubscribe) const {
    return with_order("unsubscribe", unsubscribe.order_id).append("}");
  }
  template <class Message>
  std::string operator()(const Batch<Message>& batch) const {
    std::string out = R"({"type":")";
    out.append(std::is_same_v<Message, Subscribe> ? "subscribe" : "unsubscribe");
    out.append(R"(","orders":[)");
    const char* before = R"({"orderId":)";
    for (const auto& entry : batch.entries) {
      const auto* const order = std::get_if<Message>(&entry);
      if (order == nullptr) continue;  // What could not be read is not written.
      out.append(before);
      ordercast::detail::append_json_string(out, order->order_id);
      append_rest(out, *order);
      out.push_back('}');
      before = R"(,{"orderId":)";
    }
    out.push_back(']');
    if (batch.epoch) {
      out.append(R"(,"epoch":)");
      ordercast::detail::append_json_string(out, *batch.epoch);
    }
    return out.append("}");
  }
  std::string operator()(const Ping& /*ping*/) const { return R"({"type":"ping"})"; }
  std::string operator()(const Presence& presence) const {
    return presence.visible ? R"({"type":"presence","visible":true})"
                            : R"({"type":"presence","visible":false})";
  }
};

}  // namespace detail

/// Returns the wire text of a client message, always valid UTF-8. O(length).
[[nodiscard]] inline std::string encode(const ClientMessage& message) {
  return std::visit(detail::ClientMessageEncoder{}, message);
}

}  // namespace ordercast::client
