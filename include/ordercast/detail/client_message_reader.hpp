// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/protocol.hpp>
#include <ordercast/types.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace ordercast::detail {

/// Collects the fields of one client message from a JSON parser, in one pass and without a tree:
/// those of the outermost object, and of the objects in its `orders`. Skips everything else.
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
    OrderFields* const fields = current();
    if (field_ != Field::since || fields == nullptr) return other();
    fields->since = value;
    fields->since_is_valid = value <= max_version;
    return true;
  }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return other(); }
  bool string(string_t& value) override {
    OrderFields* const fields = current();
    if (depth_ == 1 && field_ == Field::type) {
      type_ = std::move(value);
    } else if (fields != nullptr && field_ == Field::order_id) {
      fields->order_id = std::move(value);
    } else if (fields != nullptr && field_ == Field::epoch) {
      fields->epoch = std::move(value);
      fields->epoch_is_valid = fields->epoch->size() <= max_epoch_bytes;
    } else {
      return other();
    }
    return true;
  }
  bool binary(binary_t& /*value*/) override { return false; }  // JSON text has none.
  bool start_object(std::size_t /*elements*/) override {
    if (is_between_orders()) {
      add_order();
    } else if (depth_ > 0) {
      other();
    }
    is_object_ = is_object_ || depth_ == 0;
    return enter();
  }
  bool key(string_t& name) override {
    if (depth_ == 1) {
      field_ = name == "type"      ? Field::type
               : name == "orders"  ? Field::orders
               : name == "visible" ? Field::visible
                                   : order_field(name);
    } else if (current() != nullptr) {
      field_ = order_field(name);
    }
    return true;
  }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t /*elements*/) override {
    if (depth_ == 1 && field_ == Field::orders) {
      orders_.emplace();
      is_in_orders_ = true;
    } else if (depth_ > 0) {
      other();
    }
    return enter();
  }
  bool end_array() override {
    leave();
    if (depth_ == 1) is_in_orders_ = false;
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*last_token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

  [[nodiscard]] Decoded result() &&;

 private:
  enum class Field { unknown, type, order_id, since, epoch, visible, orders };

  /// What names an order: in the message itself, or in an entry of its `orders`.
  struct OrderFields {
    std::optional<std::string> order_id;
    std::optional<std::uint64_t> since;
    std::optional<std::string> epoch;
    bool since_is_valid = true;
    bool epoch_is_valid = true;
  };

  [[nodiscard]] static Field order_field(const std::string& name) noexcept {
    return name == "orderId" ? Field::order_id
           : name == "since" ? Field::since
           : name == "epoch" ? Field::epoch
                             : Field::unknown;
  }

  bool enter() { return ++depth_ <= max_depth_; }
  bool leave() {
    --depth_;
    if (depth_ == 2) is_in_entry_ = false;
    return true;
  }

  [[nodiscard]] bool is_between_orders() const noexcept { return is_in_orders_ && depth_ == 2; }
  /// Begins an entry. One more than is allowed is kept, to tell that there are too many.
  void add_order() {
    field_ = Field::unknown;
    is_in_entry_ = true;
    if (orders_->size() <= max_batch) orders_->emplace_back();
  }
  /// The object whose members are read: the message or an entry; null deeper inside.
  [[nodiscard]] OrderFields* current() noexcept {
    if (depth_ == 1) return &message_;
    return is_in_entry_ && depth_ == 3 ? &orders_->back() : nullptr;
  }

  /// Handles a value of a type that no known field takes. The last of duplicate fields counts.
  bool other() {
    if (is_between_orders()) {  // An entry that is no object names no order.
      add_order();
      is_in_entry_ = false;
      return true;
    }
    OrderFields* const fields = current();
    if (fields == nullptr) return true;
    if (field_ == Field::order_id) fields->order_id.reset();
    if (field_ == Field::since) {
      fields->since = 0;
      fields->since_is_valid = false;
    }
    if (field_ == Field::epoch) fields->epoch_is_valid = false;
    if (depth_ != 1) return true;
    if (field_ == Field::type) type_.reset();
    if (field_ == Field::visible) visible_.reset();
    if (field_ == Field::orders) orders_.emplace();
    return true;
  }

  using MaybeSubscribe = std::variant<Subscribe, DecodeError>;
  using MaybeUnsubscribe = std::variant<Unsubscribe, DecodeError>;

  [[nodiscard]] static std::optional<DecodeError> check_order(const OrderFields& fields) {
    if (fields.order_id && !fields.order_id->empty() &&
        fields.order_id->size() <= max_order_id_bytes) {
      return std::nullopt;
    }
    return DecodeError{
        ErrorCode::bad_message, "The field orderId must be a string of 1 to 128 bytes", {}};
  }
  [[nodiscard]] static MaybeUnsubscribe unsubscribe(OrderFields fields) {
    if (auto error = check_order(fields)) return std::move(*error);
    return Unsubscribe{std::move(*fields.order_id)};
  }
  [[nodiscard]] static MaybeSubscribe subscribe(OrderFields fields) {
    if (auto error = check_order(fields)) return std::move(*error);
    if (!fields.since_is_valid) {
      return DecodeError{ErrorCode::bad_message,
                         "The field since must be an integer from 0 to 9007199254740991",
                         std::move(*fields.order_id)};
    }
    if (!fields.epoch_is_valid) {
      return DecodeError{ErrorCode::bad_message,
                         "The field epoch must be a string of up to 64 bytes",
                         std::move(*fields.order_id)};
    }
    return Subscribe{std::move(*fields.order_id), fields.since, std::move(fields.epoch)};
  }

  template <class Message>
  [[nodiscard]] static Decoded alone(std::variant<Message, DecodeError> message) {
    if (auto* const error = std::get_if<DecodeError>(&message)) return std::move(*error);
    return ClientMessage{std::get<Message>(std::move(message))};
  }

  std::size_t max_depth_;
  std::size_t depth_ = 0;
  bool is_object_ = false;
  bool is_in_orders_ = false;
  bool is_in_entry_ = false;
  Field field_ = Field::unknown;
  std::optional<std::string> type_;
  std::optional<bool> visible_;
  OrderFields message_;
  std::optional<std::vector<OrderFields>> orders_;
};

inline Decoded ClientMessageReader::result() && {
  if (!is_object_) return DecodeError{ErrorCode::bad_message, "A message is a JSON object", {}};
  if (!type_) return DecodeError{ErrorCode::bad_message, "The field type must be a string", {}};
  if (*type_ == "ping") return ClientMessage{Ping{}};
  if (*type_ == "presence") {
    if (visible_) return ClientMessage{Presence{*visible_}};
    return DecodeError{ErrorCode::bad_message, "The field visible must be true or false", {}};
  }
  const bool subscribes = *type_ == "subscribe";
  if (!subscribes && *type_ != "unsubscribe") {
    return DecodeError{ErrorCode::unknown_type,
                       "The type must be one of subscribe, unsubscribe, ping, presence",
                       {}};
  }
  if (!orders_) {
    return subscribes ? alone(subscribe(std::move(message_)))
                      : alone(unsubscribe(std::move(message_)));
  }
  if (orders_->empty() || orders_->size() > max_batch) {
    return DecodeError{ErrorCode::bad_message,
                       "The field orders must be a list of 1 to 100 objects with an orderId",
                       {}};
  }
  if (!subscribes) {
    Batch<Unsubscribe> batch;
    batch.entries.reserve(orders_->size());
    for (auto& fields : *orders_) batch.entries.push_back(unsubscribe(std::move(fields)));
    return ClientMessage{std::move(batch)};
  }
  Batch<Subscribe> batch;
  batch.entries.reserve(orders_->size());
  for (auto& fields : *orders_) {
    // The epoch of the message is that of each entry without one of its own.
    if (!fields.epoch) {
      fields.epoch = message_.epoch;
      fields.epoch_is_valid = fields.epoch_is_valid && message_.epoch_is_valid;
    }
    batch.entries.push_back(subscribe(std::move(fields)));
  }
  return ClientMessage{std::move(batch)};
}

}  // namespace ordercast::detail
