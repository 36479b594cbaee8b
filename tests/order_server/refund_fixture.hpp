// SPDX-License-Identifier: MIT
#pragma once

#include "domain/payments.hpp"
#include "domain/transitions.hpp"
#include "store_fixture.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace order_server {

inline constexpr std::string_view refund_test_secret = "a key secret";

/// A store with an order that the provider has the money of, and whatever happens to it.
struct RefundFixture : StoreFixture {
  RefundFixture() {
    store.create_order(sample_order("o-1"));
    pay("pay_1", 1500);
  }

  ChangeResult pay(const std::string& payment_id, std::int64_t now_ms) {
    return store.change_order(
        "o-1",
        [&](const Order& order) {
          return decide_payment(
              order,
              {order.razorpay_order_id, payment_id,
               payment_signature(refund_test_secret, order.razorpay_order_id, payment_id)},
              refund_test_secret);
        },
        now_ms);
  }
  ChangeResult cancel(std::int64_t now_ms = 2000) {
    return store.change_order("o-1", decide_cancel, now_ms);
  }
  [[nodiscard]] Order order() { return store.find_order("o-1").value(); }
};

}  // namespace order_server
