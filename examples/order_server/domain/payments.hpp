// SPDX-License-Identifier: MIT
#pragma once

#include "domain/decision.hpp"
#include "domain/order.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Verifies Razorpay payments. Pure functions; any thread.
namespace order_server {

/// What the payment page returns to the customer's app. Borrows its text.
struct PaymentProof {
  std::string_view razorpay_order_id;
  std::string_view razorpay_payment_id;
  std::string_view razorpay_signature;
};

/// Lower-case hex HMAC-SHA256 of `order_id|payment_id` under the key secret: what Razorpay signs.
[[nodiscard]] std::string payment_signature(std::string_view key_secret,
                                            std::string_view razorpay_order_id,
                                            std::string_view razorpay_payment_id);

/// Returns true if `proof` is signed with `key_secret`. Compares in constant time. Returns false
/// for an empty secret, with which anyone could sign.
[[nodiscard]] bool is_signed(const PaymentProof& proof, std::string_view key_secret);

/// Decides what a proof of payment does to an order: - a valid one makes it PAID and, if it is
/// PENDING, CONFIRMED; a CANCELLED order stays CANCELLED and gets a log entry that a refund is due;
/// - the same payment again is `NoChange`; a second payment of a paid order is 409, and the first
/// time commits a log entry that its refund is due;
/// - a bad one (wrong signature, or signed for another order) is 400, and commits the payment
/// status FAILED unless the order is PAID or FAILED already;
/// - cash-on-delivery orders can't be paid online: 400, and nothing changes.
[[nodiscard]] Decision decide_payment(const Order& order, const PaymentProof& proof,
                                      std::string_view key_secret);

/// Returns why a payment of this order can't start; nullopt if it can.
[[nodiscard]] std::optional<Rejection> refuse_to_bill(const Order& order);

/// Sets the provider's id of an order. Returns `NoChange` if the order has one.
[[nodiscard]] Decision decide_provider_order(const Order& order,
                                             const std::string& razorpay_order_id);

/// Lower-case hex HMAC-SHA256 of a webhook's bytes, unchanged, with its secret as the key.
[[nodiscard]] std::string webhook_signature(std::string_view secret, std::string_view body);

/// Returns true if a webhook's body is signed with `secret`. Compares in constant time. Returns
/// false for an empty secret.
[[nodiscard]] bool is_webhook_signed(std::string_view body, std::string_view signature,
                                     std::string_view secret);

/// Lower-case hex SHA-256 of a webhook's bytes. Tells apart two events with the same id.
[[nodiscard]] std::string webhook_digest(std::string_view body);

/// A payment as the provider reports it.
struct ProviderPayment {
  std::string id;
  std::int64_t amount_minor = 0;
  std::string currency;
  std::string status;       ///< "captured".
  bool is_captured = true;  ///< Some events repeat the status here.
  std::int64_t refunded_minor = 0;
  std::string refund_status;  ///< Empty: none.
};

/// Decides what a captured payment does to an order: the same as a valid proof of payment, except
/// that a second payment is not an error. Refuses with 422, and changes nothing, if the sum or the
/// currency differs, or if the payment is not captured or is partly refunded.
[[nodiscard]] Decision decide_captured_payment(const Order& order, const ProviderPayment& payment);

/// Decides what a failed payment attempt does to an order: FAILED, unless an earlier attempt has
/// ended.
[[nodiscard]] Decision decide_failed_payment(const Order& order);

}  // namespace order_server
