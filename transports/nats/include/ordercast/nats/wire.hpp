// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/backplane.hpp>
#include <ordercast/types.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// The format of a message in the stream: one line of JSON, a newline, and the order's JSON or the
/// notice's text as it was published.
///
///     {"v":1,"type":"order","from":"...","id":"order-1","owner":"alice","organization":"org-1",
///      "assignee":"","status":"CONFIRMED","version":2,"whole":true}
///
/// Nodes of two releases can run side by side: fields are only added, and unknown ones are ignored.
/// A message that an older node can't read would get another type, which that node ignores. A
/// message that can't be read at all is reported, and counts as missed.
namespace ordercast::nats {

inline constexpr int wire_version = 1;

/// A decoded message. Owns its text.
struct WireMessage {
  enum class Type { order, notice, unknown };
  Type type = Type::unknown;
  std::string from;  ///< Names the object that published it.

  std::string order_id;
  std::string owner;
  std::string organization;
  std::string assignee;
  std::string status;
  std::uint64_t version = 0;

  std::string kind;

  std::string body;  ///< the order's JSON, empty if it did not fit; or the notice's text

  [[nodiscard]] OrderEvent order() const noexcept {
    return {order_id, OwnerId(owner), OrganizationId(organization), status,
            version,  body,           AssigneeId(assignee)};
  }
  [[nodiscard]] BackplaneNotice notice() const noexcept { return {kind, body}; }
};

/// Nullopt if the event can't be carried: its id is missing or too long, a text is not UTF-8, or
/// the fields without the JSON are larger than `max_bytes`. If only the JSON makes it too large,
/// the message goes without it.
[[nodiscard]] inline std::optional<std::string> encode(const OrderEvent& event,
                                                       std::string_view from,
                                                       std::size_t max_bytes) {
  if (event.order_id.empty() || event.order_id.size() > max_order_id_bytes) return std::nullopt;
  nlohmann::ordered_json head{{"v", wire_version},
                              {"type", "order"},
                              {"from", from},
                              {"id", event.order_id},
                              {"owner", event.owner.view()},
                              {"organization", event.organization.view()},
                              {"assignee", event.assignee.view()},
                              {"status", event.status},
                              {"version", event.version},
                              {"whole", !event.json.empty()}};
  try {
    std::string text = head.dump();
    if (text.size() + 1 + event.json.size() <= max_bytes) {
      return text.append(1, '\n').append(event.json);
    }
    head["whole"] = false;
    text = head.dump();
    if (text.size() + 1 > max_bytes) return std::nullopt;
    return text.append(1, '\n');
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

[[nodiscard]] inline std::optional<std::string> encode(const BackplaneNotice& notice,
                                                       std::string_view from,
                                                       std::size_t max_bytes) {
  if (!is_valid(notice)) return std::nullopt;
  const nlohmann::ordered_json head{
      {"v", wire_version}, {"type", "notice"}, {"from", from}, {"kind", notice.kind}};
  std::string text = head.dump();
  if (text.size() + 1 + notice.text.size() > max_bytes) return std::nullopt;
  return text.append(1, '\n').append(notice.text);
}

/// Nullopt if it can't be read. O(size).
[[nodiscard]] inline std::optional<WireMessage> decode(std::string_view data) {
  const auto end = data.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const auto head = nlohmann::json::parse(
      data.begin(), data.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
  if (!head.is_object()) return std::nullopt;
  const auto text = [&](const char* name) {
    const auto found = head.find(name);
    return found != head.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  WireMessage message;
  message.from = text("from");
  message.body = std::string(data.substr(end + 1));
  const auto type = text("type");
  if (type == "order") {
    message.type = WireMessage::Type::order;
    message.order_id = text("id");
    message.owner = text("owner");
    message.organization = text("organization");
    message.assignee = text("assignee");
    message.status = text("status");
    const auto version = head.find("version");
    if (message.order_id.empty() || message.order_id.size() > max_order_id_bytes ||
        version == head.end() || !version->is_number_unsigned()) {
      return std::nullopt;
    }
    message.version = version->get<std::uint64_t>();
    const auto whole = head.find("whole");
    const bool is_whole = whole == head.end() || !whole->is_boolean() || whole->get<bool>();
    if (is_whole == message.body.empty()) return std::nullopt;
  } else if (type == "notice") {
    message.type = WireMessage::Type::notice;
    message.kind = text("kind");
    if (!is_valid(message.notice())) return std::nullopt;
  } else if (type.empty()) {
    return std::nullopt;
  }
  return message;
}

}  // namespace ordercast::nats
