// SPDX-License-Identifier: MIT
#include "api/context.hpp"
#include "api/json_body.hpp"
#include "api/order_access.hpp"
#include "domain/payments.hpp"

namespace order_server {
namespace {

ordercast::HttpResponse verify_payment(const ApiRequest& request, ApiContext& context) {
  JsonBody body(request.http);
  const std::string razorpay_order_id = body.text("razorpay_order_id", 1, 128);
  const std::string razorpay_payment_id = body.text("razorpay_payment_id", 1, 128);
  const std::string razorpay_signature = body.text("razorpay_signature", 1, 256);
  if (auto refusal = body.refusal()) return std::move(*refusal);

  const PaymentProof proof{razorpay_order_id, razorpay_payment_id, razorpay_signature};
  const auto result = context.store.change_order(
      request.parameters.at(0),
      [&](const Order& order) -> Decision {
        if (!owns(request.caller, order)) return no_such_order();
        return decide_payment(order, proof, context.razorpay_key_secret);
      },
      context.now_ms());
  return answer_change(result, context.committed);
}

}  // namespace

Routes payment_routes() {
  return {{"POST", "/api/v1/orders/:id/payment/verify", Access::customer, Lane::writer,
           &verify_payment}};
}

}  // namespace order_server
