// SPDX-License-Identifier: MIT
#pragma once

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

/// Converts text to messages and back: the wire format (docs/protocol.md). The only header that
/// uses a JSON library (RFC 8259).
///
/// Decoding reads only the protocol's fields, in one pass and without a tree. It is bounded in size
/// and depth, and throws only if memory runs out. Encoding builds each text with one allocation; it
/// copies an order's JSON without parsing it. Pure functions; thread-safe.
namespace ordercast {

/// Bounds of `decode`.
struct DecodeLimits {
  std::size_t max_bytes = 64 * 1024;  ///< The transport's message limit is lower.
  std::size_t max_depth = 16;         ///< Nesting of objects and arrays; the protocol needs 1.
};

namespace detail {

/// Collects the known fields of the outermost object and skips everything else.
class ClientMessageReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit ClientMessageReader(std::size_t max_depth) : max_depth_(max_depth) {}

  bool null() override { return other(); }
  bool boolean(bool value) override {
    if (field_ == Field::visible && depth_ == 1) {
      visible_ = value;
      return true;
    }
    return other();
  }
  bool number_integer(number_integer_t value) override {
    return value >= 0 ? number_unsigned(static_cast<number_unsigned_t>(value)) : other();
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (field_ == Field::since && depth_ == 1) {
      since_ = value;
      since_is_valid_ = value <= max_version;
      return true;
    }
    return other();
  }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return other(); }
  bool string(string_t& value) override {
    if (depth_ == 1 && field_ == Field::type) {
      type_ = std::move(value);
      return true;
    }
    if (depth_ == 1 && field_ == Field::order_id) {
      order_id_ = std::move(value);
      return true;
    }
    if (depth_ == 1 && field_ == Field::epoch) {
      epoch_ = std::move(value);
      epoch_is_valid_ = epoch_->size() <= max_epoch_bytes;
      return true;
    }
    return other();
  }
  bool binary(binary_t& /*value*/) override { return false; }  // JSON text has none.
  bool start_object(std::size_t /*elements*/) override {
    if (depth_ > 0) other();
    is_object_ = is_object_ || depth_ == 0;
    return ++depth_ <= max_depth_;
  }
  bool key(string_t& name) override {
    if (depth_ != 1) return true;
    field_ = name == "type"      ? Field::type
             : name == "orderId" ? Field::order_id
             : name == "since"   ? Field::since
             : name == "epoch"   ? Field::epoch
             : name == "visible" ? Field::visible
                                 : Field::unknown;
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t /*elements*/) override {
    if (depth_ > 0) other();
    return ++depth_ <= max_depth_;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*last_token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

  [[nodiscard]] Decoded result() &&;

 private:
  enum class Field { unknown, type, order_id, since, epoch, visible };

  /// Handles a value of a type that no known field takes. The last of duplicate fields counts.
  bool other() {
    if (depth_ == 1) {
      if (field_ == Field::type) type_.reset();
      if (field_ == Field::order_id) order_id_.reset();
      if (field_ == Field::since) {
        since_ = 0;
        since_is_valid_ = false;
      }
      if (field_ == Field::epoch) epoch_is_valid_ = false;
      if (field_ == Field::visible) visible_.reset();
    }
    return true;
  }

  std::size_t max_depth_;
  std::size_t depth_ = 0;
  bool is_object_ = false;
  bool since_is_valid_ = true;
  Field field_ = Field::unknown;
  std::optional<std::string> type_;
  std::optional<std::string> order_id_;
  std::optional<std::uint64_t> since_;
  std::optional<std::string> epoch_;
  bool epoch_is_valid_ = true;
  std::optional<bool> visible_;
};

inline Decoded ClientMessageReader::result() && {
  if (!is_object_) return DecodeError{ErrorCode::bad_message, "A message is a JSON object", {}};
  if (!type_) return DecodeError{ErrorCode::bad_message, "The field type must be a string", {}};
  if (*type_ == "ping") return ClientMessage{Ping{}};
  if (*type_ == "presence") {
    if (visible_) return ClientMessage{Presence{*visible_}};
    return DecodeError{ErrorCode::bad_message, "The field visible must be true or false", {}};
  }
  const bool subscribe = *type_ == "subscribe";
  if (!subscribe && *type_ != "unsubscribe") {
    return DecodeError{ErrorCode::unknown_type,
                       "The type must be one of subscribe, unsubscribe, ping, presence",
                       {}};
  }
  if (!order_id_ || order_id_->empty() || order_id_->size() > max_order_id_bytes) {
    return DecodeError{
        ErrorCode::bad_message, "The field orderId must be a string of 1 to 128 bytes", {}};
  }
  if (!subscribe) return ClientMessage{Unsubscribe{std::move(*order_id_)}};
  if (!since_is_valid_) {
    return DecodeError{ErrorCode::bad_message,
                       "The field since must be an integer from 0 to 9007199254740991",
                       std::move(*order_id_)};
  }
  if (!epoch_is_valid_) {
    return DecodeError{ErrorCode::bad_message, "The field epoch must be a string of up to 64 bytes",
                       std::move(*order_id_)};
  }
  return ClientMessage{Subscribe{std::move(*order_id_), since_, std::move(epoch_)}};
}

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
