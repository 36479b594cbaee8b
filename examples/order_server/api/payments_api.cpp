// SPDX-License-Identifier: MIT
#include "api/context.hpp"
#include "api/json_body.hpp"
#include "api/order_access.hpp"
#include "domain/ids.hpp"
#include "domain/payments.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace order_server {
namespace {

using nlohmann::ordered_json;
using ordercast::HttpResponse;

/// What the app hands to the provider's payment page, and in a demo also what that page would bring
/// back.
ordered_json bill_to_json(const Order& order, const ApiContext& context) {
  ordered_json bill{
      {"orderId", order.id},
      {"razorpayOrderId", order.razorpay_order_id},
      {"amount", order.total_minor},
      {"currency", razorpay_currency},
      {"keyId", context.payments.key_id.empty() ? ordered_json(nullptr)
                                                : ordered_json(context.payments.key_id)}};
  if (context.payments.has_test_payments) {
    const auto payment_id = "pay_test_" + random_uuid();
    bill["testPayment"] = {
        {"razorpay_order_id", order.razorpay_order_id},
        {"razorpay_payment_id", payment_id},
        {"razorpay_signature",
         payment_signature(context.razorpay_key_secret, order.razorpay_order_id, payment_id)}};
  }
  return bill;
}

/// Reads no body. Repeated, it answers with the same order of the provider.
HttpResponse create_payment(const ApiRequest& request, ApiContext& context) {
  auto order = context.store.find_order(request.parameters.at(0));
  if (!order || !owns(request.caller, *order)) return problem(no_such_order());
  if (const auto refusal = refuse_to_bill(*order)) return problem(*refusal);
  if (order->razorpay_order_id.empty()) {
    const auto made = context.payments.create_order(*order);
    if (made.id.empty()) {
      spdlog::error("payment of order {}: {}", order->id, made.error);
      return problem(502, "Payment Provider",
                     "The payment provider can't be reached right now. Please try again");
    }
    // Of two calls at once the second finds an id, and answers with it.
    const auto result = context.store.change_order(
        order->id, [&](const Order& found) { return decide_provider_order(found, made.id); },
        context.now_ms());
    if (result.changed) context.committed();
    if (!result.order) return problem(no_such_order());
    order = result.order;
  }
  return success(bill_to_json(*order, context));
}

HttpResponse verify_payment(const ApiRequest& request, ApiContext& context) {
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

// ---- The provider's webhook --------------------------------------------------------------------

/// What is used of a webhook's body.
struct PaymentEvent {
  std::string name;  ///< "payment.captured".
  std::string payment_id;
  std::string order_id;  ///< The provider's.
  std::int64_t amount_minor = 0;
};

/// Nothing when it is no event about a payment of an order.
std::optional<PaymentEvent> read_event(const std::string& body) {
  if (!within_depth(body, max_json_depth)) return std::nullopt;
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const nlohmann::json::json_pointer where("/payload/payment/entity");
  if (!json.is_object() || !json.contains(where)) return std::nullopt;
  JsonFields event(json);
  JsonFields payment(json.at(where));
  PaymentEvent read;
  read.name = event.text("event", 1, 64);
  read.payment_id = payment.text("id", 1, 128);
  read.order_id = payment.text("order_id", 1, 128);
  read.amount_minor = payment.integer("amount", 0, INT64_MAX);
  if (!event.complaint().empty() || !payment.complaint().empty()) return std::nullopt;
  return read;
}

/// The event's own id; one that has none is told by what it says.
std::string id_of(const PaymentEvent& event, const ordercast::HttpRequest& request) {
  const auto id = request.header("X-Razorpay-Event-Id");
  if (id.empty() || id.size() > 128) return event.name + " " + event.payment_id;
  return std::string(id);
}

/// A signed event is always answered 200, or the provider would repeat it: only a database that
/// fails is worth another try.
HttpResponse payment_webhook(const ApiRequest& request, ApiContext& context) {
  const auto& secret = context.payments.webhook_secret;
  if (secret.empty()) return problem(404, "No webhook is set up");
  if (!is_webhook_signed(request.http.body, request.http.header("X-Razorpay-Signature"), secret)) {
    return problem(400, "Invalid Signature", "The webhook is not signed under this secret");
  }
  const auto answer = [](const char* outcome) { return success({{"outcome", outcome}}); };
  const auto event = read_event(request.http.body);
  // From here on it is the provider who speaks.
  if (!event) return answer("ignored");
  const bool is_captured = event->name == "payment.captured" || event->name == "order.paid";
  if (!is_captured && event->name != "payment.failed") return answer("ignored");

  const auto result = context.store.apply_payment_event(
      id_of(*event, request.http), event->order_id,
      [&](const Order& order) {
        return is_captured ? decide_captured_payment(order, event->payment_id, event->amount_minor)
                           : decide_failed_payment(order);
      },
      context.now_ms());
  if (!result.known_order) return answer("ignored");
  if (result.repeated) return answer("repeated");
  if (result.change.rejection) {
    spdlog::error("webhook {} for {}: {}", event->name, event->order_id,
                  result.change.rejection->message);
    return answer("refused");
  }
  if (!result.change.changed) return answer("unchanged");
  context.metrics.payment_events.add();
  context.committed();
  return answer("applied");
}

}  // namespace

Routes payment_routes() {
  return {
      {"POST", "/api/v1/orders/:id/payment", Access::customer, Lane::payment, &create_payment},
      {"POST", "/api/v1/orders/:id/payment/verify", Access::customer, Lane::writer,
       &verify_payment},
      {"POST", "/api/v1/payments/webhook", Access::open, Lane::payment, &payment_webhook},
  };
}

}  // namespace order_server
