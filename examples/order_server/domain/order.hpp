// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The order as the shop knows it, with no database, no HTTP and no clock.
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

/// Every status, in the order in which a delivered order passes them.
inline constexpr std::array<OrderStatus, 7> all_order_statuses{
    OrderStatus::pending,  OrderStatus::confirmed,        OrderStatus::preparing,
    OrderStatus::ready,    OrderStatus::out_for_delivery, OrderStatus::delivered,
    OrderStatus::cancelled};

/// Wire names: the JSON of an order, the API's parameters and the database all use these.
[[nodiscard]] constexpr std::string_view to_string(OrderStatus status) noexcept {
  switch (status) {
    case OrderStatus::pending:
      return "PENDING";
    case OrderStatus::confirmed:
      return "CONFIRMED";
    case OrderStatus::preparing:
      return "PREPARING";
    case OrderStatus::ready:
      return "READY";
    case OrderStatus::out_for_delivery:
      return "OUT_FOR_DELIVERY";
    case OrderStatus::delivered:
      return "DELIVERED";
    case OrderStatus::cancelled:
      return "CANCELLED";
  }
  return "";
}

[[nodiscard]] constexpr std::string_view to_string(PaymentStatus status) noexcept {
  switch (status) {
    case PaymentStatus::pending:
      return "PENDING";
    case PaymentStatus::paid:
      return "PAID";
    case PaymentStatus::failed:
      return "FAILED";
    case PaymentStatus::refunded:
      return "REFUNDED";
  }
  return "";
}

[[nodiscard]] constexpr std::string_view to_string(PaymentMethod method) noexcept {
  switch (method) {
    case PaymentMethod::online:
      return "ONLINE";
    case PaymentMethod::cod:
      return "COD";
  }
  return "";
}

[[nodiscard]] constexpr std::string_view to_string(FulfillmentType type) noexcept {
  switch (type) {
    case FulfillmentType::delivery:
      return "DELIVERY";
    case FulfillmentType::pickup:
      return "PICKUP";
  }
  return "";
}

/// The value with this wire name; nothing for any other text (names are case-sensitive).
[[nodiscard]] constexpr std::optional<OrderStatus> order_status_from_string(
    std::string_view name) noexcept {
  for (const OrderStatus status : all_order_statuses) {
    if (to_string(status) == name) return status;
  }
  return std::nullopt;
}

[[nodiscard]] constexpr std::optional<PaymentStatus> payment_status_from_string(
    std::string_view name) noexcept {
  for (const PaymentStatus status : {PaymentStatus::pending, PaymentStatus::paid,
                                     PaymentStatus::failed, PaymentStatus::refunded}) {
    if (to_string(status) == name) return status;
  }
  return std::nullopt;
}

[[nodiscard]] constexpr std::optional<PaymentMethod> payment_method_from_string(
    std::string_view name) noexcept {
  for (const PaymentMethod method : {PaymentMethod::online, PaymentMethod::cod}) {
    if (to_string(method) == name) return method;
  }
  return std::nullopt;
}

[[nodiscard]] constexpr std::optional<FulfillmentType> fulfillment_type_from_string(
    std::string_view name) noexcept {
  for (const FulfillmentType type : {FulfillmentType::delivery, FulfillmentType::pickup}) {
    if (to_string(type) == name) return type;
  }
  return std::nullopt;
}

/// A status as a person says it inside a sentence ("has been updated to out for delivery").
[[nodiscard]] constexpr std::string_view in_words(OrderStatus status) noexcept {
  switch (status) {
    case OrderStatus::pending:
      return "pending";
    case OrderStatus::confirmed:
      return "confirmed";
    case OrderStatus::preparing:
      return "preparing";
    case OrderStatus::ready:
      return "ready";
    case OrderStatus::out_for_delivery:
      return "out for delivery";
    case OrderStatus::delivered:
      return "delivered";
    case OrderStatus::cancelled:
      return "cancelled";
  }
  return "";
}

struct OrderItem {
  std::string id;
  std::string product_id;
  std::string name;
  std::int64_t quantity = 0;
  std::int64_t unit_price_minor = 0;  ///< In hundredths of the currency unit.
};

struct StatusLog {
  std::string id;
  OrderStatus status = OrderStatus::pending;
  std::string note;                ///< Empty: no note (null in JSON).
  std::int64_t created_at_ms = 0;  ///< Unix time in milliseconds.
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
  std::string razorpay_payment_id;  ///< Not in JSON: which payment made it PAID.
  std::string note;                 ///< The customer's own note; empty: null in JSON.
  std::vector<OrderItem> items;
  std::vector<StatusLog> status_logs;  ///< Oldest first.
  std::uint64_t version = 1;
  std::int64_t created_at_ms = 0;
  std::int64_t updated_at_ms = 0;
};

}  // namespace order_server
