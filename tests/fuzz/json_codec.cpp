// SPDX-License-Identifier: MIT
// The codec against nlohmann's tree: what `decode` accepts is what the contract says, and what
// `encode` writes any client can read.
#include "fuzz/fuzz.hpp"
#include <ordercast/json_codec.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace {

using namespace ordercast;        // NOLINT(google-build-using-namespace)
using namespace ordercast::fuzz;  // NOLINT(google-build-using-namespace)
using nlohmann::json;

using Expected = std::variant<ErrorCode, ClientMessage>;

std::size_t depth_of(const json& value) {  // NOLINT(misc-no-recursion): inputs are short.
  std::size_t deepest = 0;
  if (!value.is_structured()) return 0;
  for (const auto& child : value) deepest = std::max(deepest, depth_of(child));
  return deepest + 1;
}

/// The same for the fields of one order.
Expected expected_order(const std::string& type, const json& tree) {
  const auto id = tree.find("orderId");
  if (id == tree.end() || !id->is_string()) return ErrorCode::bad_message;
  const auto order_id = id->get<std::string>();
  if (order_id.empty() || order_id.size() > max_order_id_bytes) return ErrorCode::bad_message;
  if (type == "unsubscribe") return ClientMessage{Unsubscribe{order_id}};
  std::optional<std::string> epoch;
  if (const auto found = tree.find("epoch"); found != tree.end()) {
    if (!found->is_string()) return ErrorCode::bad_message;
    epoch = found->get<std::string>();
    if (epoch->size() > max_epoch_bytes) return ErrorCode::bad_message;
  }
  const auto since = tree.find("since");
  if (since == tree.end()) return ClientMessage{Subscribe{order_id, std::nullopt, epoch}};
  if (!since->is_number_integer() || since->get<double>() < 0 ||
      since->get<std::uint64_t>() > max_version) {
    return ErrorCode::bad_message;
  }
  return ClientMessage{Subscribe{order_id, since->get<std::uint64_t>(), epoch}};
}

/// The same for each entry of `orders`; the epoch of the message is for all without their own.
template <class Message>
Expected expected_batch(const json& tree) {
  Batch<Message> batch;
  for (json entry : tree.at("orders")) {
    if (!entry.is_object()) entry = json::object();
    if (!entry.contains("epoch") && tree.contains("epoch")) entry["epoch"] = tree.at("epoch");
    const auto one = expected_order(tree.at("type").get<std::string>(), entry);
    if (const auto* code = std::get_if<ErrorCode>(&one)) {
      batch.entries.push_back(DecodeError{*code, {}, {}});
    } else {
      batch.entries.push_back(std::get<Message>(std::get<ClientMessage>(one)));
    }
  }
  return ClientMessage{std::move(batch)};
}

/// What the contract says on a text, by way of a tree: the code of a refusal, or the message.
Expected expected(std::string_view text) {
  if (text.find('\0') != std::string_view::npos || text.substr(0, 3) == "\xEF\xBB\xBF") {
    return ErrorCode::bad_message;  // The library takes NUL for the end, and skips the mark.
  }
  const auto tree = json::parse(text.begin(), text.end(), nullptr, false);
  if (!tree.is_object() || depth_of(tree) > DecodeLimits{}.max_depth) return ErrorCode::bad_message;
  const auto type = tree.find("type");
  if (type == tree.end() || !type->is_string()) return ErrorCode::bad_message;
  if (*type == "ping") return ClientMessage{Ping{}};
  if (*type == "presence") {
    const auto visible = tree.find("visible");
    if (visible == tree.end() || !visible->is_boolean()) return ErrorCode::bad_message;
    return ClientMessage{Presence{visible->get<bool>()}};
  }
  if (*type != "subscribe" && *type != "unsubscribe") return ErrorCode::unknown_type;
  const auto orders = tree.find("orders");
  if (orders == tree.end()) return expected_order(*type, tree);
  if (!orders->is_array() || orders->empty() || orders->size() > max_batch) {
    return ErrorCode::bad_message;
  }
  return *type == "subscribe" ? expected_batch<Subscribe>(tree) : expected_batch<Unsubscribe>(tree);
}

json written(const Subscribe& subscribe) {
  json tree = {{"orderId", subscribe.order_id}};
  if (subscribe.since) tree["since"] = *subscribe.since;
  if (subscribe.epoch) tree["epoch"] = *subscribe.epoch;
  return tree;
}
json written(const Unsubscribe& unsubscribe) {
  return {{"orderId", unsubscribe.order_id}};
}
json written(const Ping& /*ping*/) {
  return {{"type", "ping"}};
}
json written(const Presence& presence) {
  return {{"type", "presence"}, {"visible", presence.visible}};
}
/// An entry that is refused stands as null, which is refused again.
template <class Message>
json written(const Batch<Message>& batch) {
  json tree = {{"orders", json::array()}};
  for (const auto& entry : batch.entries) {
    const auto* const order = std::get_if<Message>(&entry);
    tree["orders"].push_back(order == nullptr ? json() : written(*order));
  }
  return tree;
}

std::string written(const ClientMessage& message) {
  json tree = std::visit([](const auto& any) { return written(any); }, message);
  if (std::holds_alternative<Subscribe>(message) ||
      std::holds_alternative<Batch<Subscribe>>(message)) {
    tree["type"] = "subscribe";
  } else if (!tree.contains("type")) {
    tree["type"] = "unsubscribe";
  }
  return tree.dump();
}

void check_decode(std::string_view text) {
  const auto decoded = decode(text);
  const auto wanted = expected(text);
  if (const auto* error = std::get_if<DecodeError>(&decoded)) {
    require(std::holds_alternative<ErrorCode>(wanted), "what the contract allows is accepted");
    require(error->code == std::get<ErrorCode>(wanted), "a refusal has its code");
    require(detail::is_utf8(error->order_id), "an id that is named in an error is UTF-8");
    require(error->order_id.size() <= max_order_id_bytes, "and within its bound");
    return;
  }
  require(std::holds_alternative<ClientMessage>(wanted), "what the contract forbids is refused");
  const auto& message = std::get<ClientMessage>(decoded);
  require(written(message) == written(std::get<ClientMessage>(wanted)), "a message says the same");
  const auto again = decode(written(message));
  require(std::holds_alternative<ClientMessage>(again) &&
              written(std::get<ClientMessage>(again)) == written(message),
          "what is accepted survives another round");
  require(std::holds_alternative<DecodeError>(decode(text, {text.size() - 1, 16})),
          "one byte too many is refused");
}

void check_encode(std::string_view text) {
  Choices choices(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  const auto kind = choices.below(3);
  const auto id = choices.text();
  const auto other = choices.rest();
  const auto repaired = [](std::string_view any) { return detail::utf8_repaired(any); };
  std::string wire;
  json wanted;
  if (kind == 0) {
    const bool is_json =
        other.find('\0') == std::string_view::npos && json::accept(other.begin(), other.end());
    const std::string data = is_json ? std::string(other) : "";
    wire = encode(OrderUpdated{id, data});
    wanted = {{"type", "order:updated"},
              {"orderId", repaired(id)},
              {"data", is_json ? json::parse(data) : json()}};
    // A mark before an order's JSON would stand in the middle of the message.
    if (data.substr(0, 3) == "\xEF\xBB\xBF") return;
  } else if (kind == 1) {
    wire = encode(OrdersChanged{id, other});
    wanted = {{"type", "orders:changed"}, {"orderId", repaired(id)}, {"status", repaired(other)}};
  } else {
    wire = encode(ErrorMessage{ErrorCode::rate_limited, other, id});
    wanted = {{"type", "error"}, {"code", "rate_limited"}, {"message", repaired(other)}};
    if (!id.empty()) wanted["orderId"] = repaired(id);
  }
  require(detail::is_utf8(wire), "a text frame is UTF-8");
  require(json::parse(wire, nullptr, false) == wanted, "a client reads what was said");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_decode(text);
  check_encode(text);
  return 0;
}
