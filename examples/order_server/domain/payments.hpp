// SPDX-License-Identifier: MIT
#pragma once

#include "domain/decision.hpp"
#include "domain/order.hpp"

#include <cstdint>
#include <optional>
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
/// - the same payment again is `NoChange`; a second payment of a paid order is 409, and committed
///   with it, once, is a log that a refund of it is due;
/// - a bad one (wrong signature, or signed for another order) is 400, and the payment status FAILED
///   is committed with it unless the order has been paid or has FAILED before;
/// - cash-on-delivery orders can't be paid online: 400, and nothing changes.
[[nodiscard]] Decision decide_payment(const Order& order, const PaymentProof& proof,
                                      std::string_view key_secret);

/// Why a payment of this order can't be begun; nothing when it can.
[[nodiscard]] std::optional<Rejection> refuse_to_bill(const Order& order);

/// Gives an order the provider's id of it, once: `NoChange` when it has one.
[[nodiscard]] Decision decide_provider_order(const Order& order,
                                             const std::string& razorpay_order_id);

/// Lower-case hex HMAC-SHA256 of a webhook's bytes, as they came, under its secret.
[[nodiscard]] std::string webhook_signature(std::string_view secret, std::string_view body);

/// Whether a webhook's body is signed under `secret`, compared in constant time. False for an empty
/// secret.
[[nodiscard]] bool is_webhook_signed(std::string_view body, std::string_view signature,
                                     std::string_view secret);

/// Lower-case hex SHA-256 of a webhook's bytes: tells two events apart that name one id.
[[nodiscard]] std::string webhook_digest(std::string_view body);

/// What the provider says of a payment.
struct ProviderPayment {
  std::string id;
  std::int64_t amount_minor = 0;
  std::string currency;
  std::string status;       ///< "captured".
  bool is_captured = true;  ///< Some say it twice.
  std::int64_t refunded_minor = 0;
  std::string refund_status;  ///< "": none.
};

/// What the provider's word that it has the money does to an order: the same as a valid proof of
/// payment, but that a second one is no error of anybody. Another sum or currency, a payment that
/// is not captured or is refunded in part is refused with 422 and changes nothing.
[[nodiscard]] Decision decide_captured_payment(const Order& order, const ProviderPayment& payment);

/// What the provider's word that an attempt has failed does: FAILED, while no attempt has ended.
[[nodiscard]] Decision decide_failed_payment(const Order& order);

}  // namespace order_server
