// SPDX-License-Identifier: MIT
#pragma once

#include "domain/decision.hpp"
#include "domain/order.hpp"

#include <string>
#include <string_view>

/// Verification of Razorpay payments, as pure functions. Any thread.
namespace order_server {

/// What the customer's app brings back from the payment page. Borrows its text.
struct PaymentProof {
  std::string_view razorpay_order_id;
  std::string_view razorpay_payment_id;
  std::string_view razorpay_signature;
};

/// Lower-case hex HMAC-SHA256 of `order_id|payment_id` under the key secret: what Razorpay signs.
[[nodiscard]] std::string payment_signature(std::string_view key_secret,
                                            std::string_view razorpay_order_id,
                                            std::string_view razorpay_payment_id);

/// Whether `proof` is signed under `key_secret`, compared in constant time. False for an empty
/// secret, under which anyone could sign.
[[nodiscard]] bool is_signed(const PaymentProof& proof, std::string_view key_secret);

/// What a proof of payment does to an order:
/// - a valid one makes it PAID and, when PENDING, CONFIRMED; a CANCELLED order stays CANCELLED and
///   gets a log that a refund is due;
/// - the same payment again is `NoChange`; a second payment of a paid order is 409;
/// - a bad one (wrong signature, or signed for another order) is 400, and the payment status FAILED
///   is committed with it unless the order has been paid or has FAILED before;
/// - cash-on-delivery orders can't be paid online: 400, and nothing changes.
[[nodiscard]] Decision decide_payment(const Order& order, const PaymentProof& proof,
                                      std::string_view key_secret);

}  // namespace order_server
