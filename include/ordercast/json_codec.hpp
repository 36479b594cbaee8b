// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/detail/client_message_reader.hpp>
#include <ordercast/detail/utf8.hpp>
#include <ordercast/protocol.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

/// Converts text to messages and back: the wire format (docs/protocol.md). The only public header
/// that uses a JSON library (RFC 8259).
///
/// Decoding reads only the protocol's fields, in one pass and without a tree. It is bounded in size
/// and depth, and throws only if memory runs out. Encoding builds each text with one allocation; it
/// copies an order's JSON without parsing it. Pure functions; thread-safe.
namespace ordercast {

/// Bounds of `decode`.
struct DecodeLimits {
  std::size_t max_bytes = 64 * 1024;  ///< The transport's message limit is lower.
  std::size_t max_depth = 16;         ///< Nesting of objects and arrays; the protocol needs 3.
};

namespace detail {

/// Returns the value of a member of the outermost JSON object as it is written; empty if there is
/// none. `name` is in quotes. The text must be valid JSON. O(length).
[[nodiscard]] inline std::string_view find_member(std::string_view json,
                                                  std::string_view name) noexcept {
  int depth = 0;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == '"') {
      const bool named = depth == 1 && json.substr(at, name.size()) == name;
      for (++at; at < json.size() && json[at] != '"'; ++at) at += json[at] == '\\' ? 1U : 0U;
      if (!named) continue;
      const auto colon = json.find_first_not_of(" \t\r\n", at + 1);
      if (colon == std::string_view::npos || json[colon] != ':') continue;  // A value.
      const auto first = json.find_first_not_of(" \t\r\n", colon + 1);
      return first == std::string_view::npos ? std::string_view() : json.substr(first);
    }
  }
  return {};
}

/// Returns the `type` of a JSON object if it is a string without escapes.
[[nodiscard]] inline std::optional<std::string_view> find_type(std::string_view json) noexcept {
  const auto value = find_member(json, "\"type\"");
  if (value.empty() || value.front() != '"') return std::nullopt;
  const auto end = value.find_first_of("\"\\", 1);
  if (end == std::string_view::npos || value[end] != '"') return std::nullopt;
  return value.substr(1, end - 1);
}

/// Returns true for a `type` that the protocol's servers send.
[[nodiscard]] constexpr bool is_server_type(std::string_view type) noexcept {
  for (const std::string_view ours :
       {"pong", "hello", "error", "order:updated", "orders:changed"}) {
    if (type == ours) return true;
  }
  return false;
}

/// Returns the top-level `version` of a JSON object if it is an integer up to `max_version`.
/// O(length).
[[nodiscard]] inline std::optional<std::uint64_t> find_version(std::string_view json) noexcept {
  const auto text = find_member(json, "\"version\"");
  std::uint64_t value = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    value = value * 10 + static_cast<std::uint64_t>(text[digits] - '0');
    if (value > max_version) return std::nullopt;
  }
  const char after = digits < text.size() ? text[digits] : '}';
  if (digits == 0 || after == '.' || after == 'e' || after == 'E') return std::nullopt;
  return value;
}

/// Appends a JSON string with its quotes (RFC 8259 section 7). Invalid UTF-8 becomes U+FFFD.
inline void append_json_string(std::string& out, std::string_view text) {
  if (!is_utf8(text)) {
    append_json_string(out, utf8_repaired(text));
    return;
  }
  constexpr std::string_view hex = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      out.append("\\u00");
      out.push_back(hex[byte >> 4U]);
      out.push_back(hex[byte & 15U]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace detail

/// Reads one client message. Never throws on input.
[[nodiscard]] inline Decoded decode(std::string_view text, const DecodeLimits& limits = {}) {
  if (text.size() > limits.max_bytes) {
    return DecodeError{ErrorCode::bad_message, "The message is too long", {}};
  }
  // The library ends the text at NUL and skips a byte order mark, but neither is valid JSON.
  const bool is_text =
      text.find('\0') == std::string_view::npos && text.substr(0, 3) != "\xEF\xBB\xBF";
  detail::ClientMessageReader reader(limits.max_depth);
  if (!is_text || !nlohmann::json::sax_parse(text.begin(), text.end(), &reader)) {
    return DecodeError{ErrorCode::bad_message, "The message is not valid JSON", {}};
  }
  return std::move(reader).result();
}

/// Returns the wire text of a server message, always valid UTF-8. O(length), one allocation.
/// Precondition: `OrderUpdated::json` is one JSON value; an empty one becomes null.
[[nodiscard]] inline std::string encode(const ServerMessage& message) {
  struct Encoder {
    std::string operator()(const Pong& /*message*/) const { return R"({"type":"pong"})"; }
    std::string operator()(const Hello& message) const {
      std::string out(R"({"type":"hello","epoch":)");
      detail::append_json_string(out, message.epoch);
      out.append(R"(,"node":)");
      detail::append_json_string(out, message.node);
      out.push_back('}');
      return out;
    }
    std::string operator()(const OrderUpdated& message) const {
      std::string out;
      out.reserve(64 + message.order_id.size() + message.json.size());
      out.append(R"({"type":"order:updated","orderId":)");
      detail::append_json_string(out, message.order_id);
      out.append(R"(,"data":)");
      if (message.json.empty()) {
        out.append("null");
      } else if (detail::is_utf8(message.json)) {
        out.append(message.json);
      } else {
        out.append(detail::utf8_repaired(message.json));
      }
      out.push_back('}');
      return out;
    }
    std::string operator()(const OrdersChanged& message) const {
      std::string out;
      out.reserve(64 + message.order_id.size() + message.status.size());
      out.append(R"({"type":"orders:changed","orderId":)");
      detail::append_json_string(out, message.order_id);
      out.append(R"(,"status":)");
      detail::append_json_string(out, message.status);
      out.push_back('}');
      return out;
    }
    std::string operator()(const ErrorMessage& message) const {
      std::string out;
      out.reserve(80 + message.message.size() + message.order_id.size());
      out.append(R"({"type":"error","code":)");
      detail::append_json_string(out, to_string(message.code));
      out.append(R"(,"message":)");
      detail::append_json_string(out, message.message);
      if (!message.order_id.empty()) {
        out.append(R"(,"orderId":)");
        detail::append_json_string(out, message.order_id);
      }
      out.push_back('}');
      return out;
    }
  };
  return std::visit(Encoder{}, message);
}

}  // namespace ordercast
