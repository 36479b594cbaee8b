// SPDX-License-Identifier: MIT
#pragma once

#include "domain/names.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// An order in the shop's terms, without database, HTTP or clock.
namespace order_server {

enum class OrderStatus : std::uint8_t {
  pending,
  confirmed,
  preparing,
  ready,
  out_for_delivery,
  delivered,
  cancelled,
};
enum class PaymentStatus : std::uint8_t { pending, paid, failed, refunded };
enum class PaymentMethod : std::uint8_t { online, cod };
enum class FulfillmentType : std::uint8_t { delivery, pickup };

/// How far the refund of an order that was cancelled and paid online is.
enum class RefundStatus : std::uint8_t {
  due,        ///< To be asked for.
  requested,  ///< The provider has it.
  done,       ///< The provider says that the money is back.
  failed,     ///< The provider refuses: the staff has to look.
};

/// Wire names: the JSON of an order, the API's parameters and the database all use these. The
/// statuses stand in the order in which a delivered order passes them.
inline constexpr Names<OrderStatus, 7> all_order_statuses{
    {{OrderStatus::pending, "PENDING"},
     {OrderStatus::confirmed, "CONFIRMED"},
     {OrderStatus::preparing, "PREPARING"},
     {OrderStatus::ready, "READY"},
     {OrderStatus::out_for_delivery, "OUT_FOR_DELIVERY"},
     {OrderStatus::delivered, "DELIVERED"},
     {OrderStatus::cancelled, "CANCELLED"}}};
inline constexpr Names<PaymentStatus, 4> payment_status_names{
    {{PaymentStatus::pending, "PENDING"},
     {PaymentStatus::paid, "PAID"},
     {PaymentStatus::failed, "FAILED"},
     {PaymentStatus::refunded, "REFUNDED"}}};
inline constexpr Names<PaymentMethod, 2> payment_method_names{
    {{PaymentMethod::online, "ONLINE"}, {PaymentMethod::cod, "COD"}}};
inline constexpr Names<FulfillmentType, 2> fulfillment_type_names{
    {{FulfillmentType::delivery, "DELIVERY"}, {FulfillmentType::pickup, "PICKUP"}}};
inline constexpr Names<RefundStatus, 4> refund_status_names{{{RefundStatus::due, "DUE"},
                                                             {RefundStatus::requested, "REQUESTED"},
                                                             {RefundStatus::done, "DONE"},
                                                             {RefundStatus::failed, "FAILED"}}};

[[nodiscard]] constexpr std::string_view to_string(OrderStatus status) noexcept {
  return name_in(all_order_statuses, status);
}
[[nodiscard]] constexpr std::string_view to_string(PaymentStatus status) noexcept {
  return name_in(payment_status_names, status);
}
[[nodiscard]] constexpr std::string_view to_string(PaymentMethod method) noexcept {
  return name_in(payment_method_names, method);
}
[[nodiscard]] constexpr std::string_view to_string(FulfillmentType type) noexcept {
  return name_in(fulfillment_type_names, type);
}

[[nodiscard]] constexpr std::string_view to_string(RefundStatus status) noexcept {
  return name_in(refund_status_names, status);
}

/// The value with this wire name; nullopt for any other text (names are case-sensitive).
[[nodiscard]] constexpr std::optional<OrderStatus> order_status_from_string(
    std::string_view name) noexcept {
  return value_in(all_order_statuses, name);
}
[[nodiscard]] constexpr std::optional<PaymentStatus> payment_status_from_string(
    std::string_view name) noexcept {
  return value_in(payment_status_names, name);
}
[[nodiscard]] constexpr std::optional<PaymentMethod> payment_method_from_string(
    std::string_view name) noexcept {
  return value_in(payment_method_names, name);
}
[[nodiscard]] constexpr std::optional<FulfillmentType> fulfillment_type_from_string(
    std::string_view name) noexcept {
  return value_in(fulfillment_type_names, name);
}

[[nodiscard]] constexpr std::optional<RefundStatus> refund_status_from_string(
    std::string_view name) noexcept {
  return value_in(refund_status_names, name);
}

/// A status as words for the middle of a sentence ("has been updated to out for delivery").
[[nodiscard]] inline std::string in_words(OrderStatus status) {
  std::string words(to_string(status));
  for (char& c : words) c = c == '_' ? ' ' : static_cast<char>(c - 'A' + 'a');
  return words;
}

struct OrderItem {
  std::string id;
  std::string product_id;
  std::string name;
  std::int64_t quantity = 0;
  std::int64_t unit_price_minor = 0;  ///< In hundredths of the currency unit.
};

/// Who made a change. Empty if that is unknown: the change is from before it was recorded.
struct Actor {
  std::string id = {};    ///< Of a user; "" for the payment provider.
  std::string role = {};  ///< A role's name, or `provider_role`.
};

/// The payment provider as the maker of a change, beside the roles of users.
inline constexpr std::string_view provider_role = "PROVIDER";

struct StatusLog {
  std::string id;
  OrderStatus status = OrderStatus::pending;
  std::string note;                ///< Empty: no note (null in JSON).
  std::int64_t created_at_ms = 0;  ///< Unix time in milliseconds.
  Actor actor = {};
};

/// What an order shows of its customer.
struct Customer {
  std::string name;  ///< Empty, as the others: null in JSON.
  std::string email;
  std::string phone;
};

/// What an order shows of its store.
struct StoreCard {
  std::string name;
  std::string phone;  ///< Empty: null in JSON.
};

struct Order {
  std::string id;
  std::string user_id;
  std::string store_id;
  std::string organization_id;
  OrderStatus status = OrderStatus::pending;
  PaymentStatus payment_status = PaymentStatus::pending;
  PaymentMethod payment_method = PaymentMethod::cod;
  FulfillmentType fulfillment_type = FulfillmentType::delivery;
  std::int64_t total_minor = 0;
  std::string delivery_address;     ///< Empty: null in JSON.
  std::string razorpay_order_id;    ///< Empty: null in JSON.
  std::string razorpay_payment_id;  ///< Not in JSON: the payment that made it PAID.
  std::string note;                 ///< The customer's own note; empty: null in JSON.
  std::vector<OrderItem> items;
  std::vector<StatusLog> status_logs;  ///< Oldest first.
  std::uint64_t version = 1;
  std::int64_t created_at_ms = 0;
  std::int64_t updated_at_ms = 0;
  std::int64_t number = 0;  ///< Counts the orders of an organization, from 1001.
  std::optional<RefundStatus> refund_status;
  std::optional<std::int64_t> estimated_ready_at_ms;
  Customer customer;  ///< Read with the order, never written with it; so is the store.
  StoreCard store;
};

}  // namespace order_server
