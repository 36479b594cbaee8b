// SPDX-License-Identifier: MIT
#include "domain/payments.hpp"

#include "domain/sodium.hpp"

#include <sodium.h>

#include <array>
#include <string>

namespace order_server {
namespace {

void update(crypto_auth_hmacsha256_state& state, std::string_view text) {
  // libsodium takes bytes; a char may be read as an unsigned char.
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()),
                                text.size());
}

Decision decide_unverified(const Order& order) {
  const Rejection rejection{400, "Payment verification failed", "Payment verification failed"};
  // Only a payment that was still open can fail: paid is paid, and failing twice is no news.
  if (order.payment_status != PaymentStatus::pending) return rejection;
  Change change = change_from(order);
  change.payment_status = PaymentStatus::failed;
  change.write_log = false;
  change.rejection = rejection;
  return change;
}

}  // namespace

std::string payment_signature(std::string_view key_secret, std::string_view razorpay_order_id,
                              std::string_view razorpay_payment_id) {
  require_sodium();
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key_secret.data()),
                              key_secret.size());
  update(state, razorpay_order_id);
  update(state, "|");
  update(state, razorpay_payment_id);
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac{};
  crypto_auth_hmacsha256_final(&state, mac.data());
  sodium_memzero(&state, sizeof state);

  std::string hex(mac.size() * 2 + 1, '\0');  // sodium_bin2hex ends its text with a NUL
  sodium_bin2hex(hex.data(), hex.size(), mac.data(), mac.size());
  hex.pop_back();
  return hex;
}

bool is_signed(const PaymentProof& proof, std::string_view key_secret) {
  if (key_secret.empty()) return false;
  const std::string expected =
      payment_signature(key_secret, proof.razorpay_order_id, proof.razorpay_payment_id);
  // The length of a SHA-256 in hex is no secret.
  return proof.razorpay_signature.size() == expected.size() &&
         sodium_memcmp(proof.razorpay_signature.data(), expected.data(), expected.size()) == 0;
}

Decision decide_payment(const Order& order, const PaymentProof& proof,
                        std::string_view key_secret) {
  if (order.payment_method != PaymentMethod::online) {
    return Rejection{400, "Not Payable Online", "This order is paid on delivery"};
  }
  // Without the comparison of order ids, a cheap order's signature would confirm a dear one.
  const bool is_for_this_order =
      !order.razorpay_order_id.empty() && proof.razorpay_order_id == order.razorpay_order_id;
  if (!is_for_this_order || proof.razorpay_payment_id.empty() || !is_signed(proof, key_secret)) {
    return decide_unverified(order);
  }
  if (order.payment_status == PaymentStatus::paid ||
      order.payment_status == PaymentStatus::refunded) {
    if (order.razorpay_payment_id == proof.razorpay_payment_id) return NoChange{};
    return Rejection{409, "Already Paid", "Order is already paid by another payment"};
  }

  Change change = change_from(order);
  change.payment_status = PaymentStatus::paid;
  change.razorpay_payment_id = proof.razorpay_payment_id;
  switch (order.status) {
    case OrderStatus::pending:
      change.status = OrderStatus::confirmed;
      change.log_note = "Payment received";
      break;
    case OrderStatus::cancelled:
      change.log_note = "Payment received after the cancellation: a refund is due";
      break;
    default:
      change.write_log = false;  // the order is on its way already
  }
  return change;
}

}  // namespace order_server
