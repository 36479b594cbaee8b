// SPDX-License-Identifier: MIT
#include "domain/payments.hpp"

#include "domain/money.hpp"
#include "domain/sodium.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <string>

namespace order_server {
namespace {

void update(crypto_auth_hmacsha256_state& state, std::string_view text) {
  // libsodium takes unsigned bytes; reading a char as one is allowed.
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()),
                                text.size());
}

using Mac = std::array<unsigned char, crypto_auth_hmacsha256_BYTES>;

template <class... Texts>
std::string hex_mac(std::string_view secret, Texts... texts) {
  require_sodium();
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(secret.data()),
                              secret.size());
  (update(state, texts), ...);
  Mac mac{};
  crypto_auth_hmacsha256_final(&state, mac.data());
  sodium_memzero(&state, sizeof state);
  return hex_of(mac);
}

/// The length of a SHA-256 in hex is no secret.
bool same(std::string_view given, const std::string& expected) {
  return given.size() == expected.size() &&
         sodium_memcmp(given.data(), expected.data(), expected.size()) == 0;
}

/// Only an open payment can fail: a paid order stays paid, and a second failure changes nothing.
std::optional<Change> failed_payment(const Order& order) {
  if (order.payment_status != PaymentStatus::pending) return std::nullopt;
  Change change = change_from(order);
  change.payment_status = PaymentStatus::failed;
  change.write_log = false;
  return change;
}

Decision decide_unverified(const Order& order) {
  const Rejection rejection{400, "Payment verification failed", "Payment verification failed"};
  auto change = failed_payment(order);
  if (!change) return rejection;
  change->rejection = rejection;
  return *change;
}

bool is_paid(const Order& order) {
  return order.payment_status == PaymentStatus::paid ||
         order.payment_status == PaymentStatus::refunded;
}

/// How long a payment that nobody waited for stays before it goes back: whoever has just made it
/// sees that it has come.
constexpr std::int64_t late_payment_rest_ms = 10'000;

/// Records a valid payment of an order that is already paid: the money came twice, so the order's
/// log says once that a refund is due.
Decision record_second_payment(const Order& order, std::string_view razorpay_payment_id) {
  const std::string note = "A second payment (" + std::string(razorpay_payment_id) +
                           ") was received: a refund of it is due";
  const auto& logs = order.status_logs;
  if (std::any_of(logs.begin(), logs.end(), [&](const auto& log) { return log.note == note; })) {
    return NoChange{};
  }
  Change change = change_from(order);
  change.log_note = note;
  change.refund_payment_id = razorpay_payment_id;
  change.refund_rest_ms = late_payment_rest_ms;
  return change;
}

/// Records a payment that has been verified.
Decision record_payment(const Order& order, std::string_view razorpay_payment_id) {
  if (is_paid(order)) {
    if (order.razorpay_payment_id == razorpay_payment_id) return NoChange{};
    return record_second_payment(order, razorpay_payment_id);
  }
  Change change = change_from(order);
  change.payment_status = PaymentStatus::paid;
  change.razorpay_payment_id = razorpay_payment_id;
  switch (order.status) {
    case OrderStatus::pending:
      change.status = OrderStatus::confirmed;
      change.log_note = "Payment received";
      break;
    case OrderStatus::cancelled:
      change.log_note = "Payment received after the cancellation: a refund is due";
      change.refund_status = RefundStatus::due;
      change.refund_payment_id = razorpay_payment_id;
      change.refund_rest_ms = late_payment_rest_ms;
      break;
    default:
      change.write_log = false;  // the order is already being handled
  }
  return change;
}

Rejection not_payable_online() {
  return {400, "Not Payable Online", "This order is paid on delivery"};
}

}  // namespace

std::string payment_signature(std::string_view key_secret, std::string_view razorpay_order_id,
                              std::string_view razorpay_payment_id) {
  return hex_mac(key_secret, razorpay_order_id, std::string_view("|"), razorpay_payment_id);
}

bool is_signed(const PaymentProof& proof, std::string_view key_secret) {
  if (key_secret.empty()) return false;
  return same(proof.razorpay_signature,
              payment_signature(key_secret, proof.razorpay_order_id, proof.razorpay_payment_id));
}

Decision decide_payment(const Order& order, const PaymentProof& proof,
                        std::string_view key_secret) {
  if (order.payment_method != PaymentMethod::online) return not_payable_online();
  // Compare the order ids; otherwise a cheap order's signature would pay for an expensive one.
  const bool is_for_this_order =
      !order.razorpay_order_id.empty() && proof.razorpay_order_id == order.razorpay_order_id;
  if (!is_for_this_order || proof.razorpay_payment_id.empty() || !is_signed(proof, key_secret)) {
    return decide_unverified(order);
  }
  const Rejection already_paid{409, "Already Paid",
                               "Order is already paid by another payment; this one is refunded"};
  const bool is_second = is_paid(order) && order.razorpay_payment_id != proof.razorpay_payment_id;
  auto decision = record_payment(order, proof.razorpay_payment_id);
  if (!is_second) return decision;
  auto* change = std::get_if<Change>(&decision);
  if (change == nullptr) return already_paid;
  change->rejection = already_paid;
  return decision;
}

std::optional<Rejection> refuse_to_bill(const Order& order) {
  if (order.payment_method != PaymentMethod::online) return not_payable_online();
  if (is_paid(order)) return Rejection{409, "Already Paid", "Order is already paid"};
  if (order.status == OrderStatus::cancelled) {
    return Rejection{400, "Order Cancelled", "A cancelled order can't be paid"};
  }
  return std::nullopt;
}

Decision decide_provider_order(const Order& order, const std::string& razorpay_order_id) {
  if (!order.razorpay_order_id.empty()) return NoChange{};
  Change change = change_from(order);
  change.razorpay_order_id = razorpay_order_id;
  change.write_log = false;
  return change;
}

std::string webhook_signature(std::string_view secret, std::string_view body) {
  return hex_mac(secret, body);
}

bool is_webhook_signed(std::string_view body, std::string_view signature, std::string_view secret) {
  return !secret.empty() && same(signature, webhook_signature(secret, body));
}

std::string webhook_digest(std::string_view body) {
  require_sodium();
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(body.data()), body.size());
  return hex_of(hash);
}

Decision decide_captured_payment(const Order& order, const ProviderPayment& payment) {
  if (order.payment_method != PaymentMethod::online) return not_payable_online();
  if (payment.amount_minor != order.total_minor) {
    return Rejection{422, "Wrong Amount",
                     "The payment is of " + format_minor(payment.amount_minor) +
                         " and the order of " + format_minor(order.total_minor)};
  }
  if (payment.currency != currency_code) {
    return Rejection{422, "Wrong Currency",
                     "The payment is in " + payment.currency + " and the order in " +
                         std::string(currency_code)};
  }
  if (payment.status != "captured" || !payment.is_captured) {
    return Rejection{422, "Not Captured", "The payment is " + payment.status + ", not captured"};
  }
  if (payment.refunded_minor != 0 || !payment.refund_status.empty()) {
    return Rejection{422, "Refunded", "The payment has been refunded in whole or in part"};
  }
  return record_payment(order, payment.id);
}

Decision decide_failed_payment(const Order& order) {
  auto change = failed_payment(order);
  if (!change) return NoChange{};
  return *change;
}

}  // namespace order_server
