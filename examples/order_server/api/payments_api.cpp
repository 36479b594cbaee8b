// SPDX-License-Identifier: MIT
#include "api/context.hpp"
#include "api/json_body.hpp"
#include "api/order_access.hpp"
#include "domain/ids.hpp"
#include "domain/money.hpp"
#include "domain/payments.hpp"
#include "domain/printable.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace order_server {
namespace {

using nlohmann::ordered_json;
using ordercast::HttpResponse;

/// What the app passes to the provider's payment page. In a demo, also what that page would return.
ordered_json bill_to_json(const Order& order, const ApiContext& context) {
  ordered_json bill{
      {"orderId", order.id},
      {"razorpayOrderId", order.razorpay_order_id},
      {"amount", order.total_minor},
      {"currency", currency_code},
      {"keyId", context.payments.key_id.empty() ? ordered_json(nullptr)
                                                : ordered_json(context.payments.key_id)}};
  // The names under which the reference's app reads the same.
  bill["razorpay_order_id"] = bill["razorpayOrderId"];
  bill["key_id"] = bill["keyId"];
  if (context.payments.mode == PaymentMode::test) {
    const auto payment_id = "pay_test_" + random_uuid();
    bill["testPayment"] = {
        {"razorpay_order_id", order.razorpay_order_id},
        {"razorpay_payment_id", payment_id},
        {"razorpay_signature",
         payment_signature(context.razorpay_key_secret, order.razorpay_order_id, payment_id)}};
  }
  return bill;
}

/// Starts a payment. Ignores the request's body. A repeated call returns the same provider order.
HttpResponse create_payment(const ApiRequest& request, ApiContext& context) {
  if (context.payments.mode == PaymentMode::off) return problem(no_online_payments());
  const auto scope = own_scope_of(request.caller);
  if (!scope) return problem(no_such_order());
  auto order = context.store.find_order(request.parameters.at(0), *scope);
  if (!order || !owns(request.caller, *order)) return problem(no_such_order());
  if (const auto refusal = refuse_to_bill(*order)) return problem(*refusal);
  if (order->razorpay_order_id.empty()) {
    const auto made = context.payments.create_order(*order);
    if (made.id.empty()) {
      spdlog::error("payment of order {}: {}", printable(order->id), printable(made.error));
      return problem(502, "Payment Provider",
                     "The payment provider can't be reached right now. Please try again");
    }
    // If two calls race, the second finds the id of the first and returns it.
    const auto result = context.store.change_order(
        order->id,
        [&](const Order& found) {
          return made_by(request.caller, decide_provider_order(found, made.id));
        },
        context.now_ms());
    if (result.changed) context.committed();
    if (!result.order) return problem(no_such_order());
    order = result.order;
  }
  return success(bill_to_json(*order, context));
}

HttpResponse verify_payment(const ApiRequest& request, ApiContext& context) {
  if (context.payments.mode == PaymentMode::off) return problem(no_online_payments());
  JsonBody body(request.http);
  const std::string razorpay_order_id = body.text("razorpay_order_id", 1, 128);
  const std::string razorpay_payment_id = body.text("razorpay_payment_id", 1, 128);
  const std::string razorpay_signature = body.text("razorpay_signature", 1, 256);
  if (auto refusal = body.refusal()) return std::move(*refusal);

  const PaymentProof proof{razorpay_order_id, razorpay_payment_id, razorpay_signature};
  return change_own_order(request, context, [&](const Order& order) {
    return decide_payment(order, proof, context.razorpay_key_secret);
  });
}

// ---- The provider's webhook --------------------------------------------------------------------

/// The fields of a webhook's body that are used.
struct PaymentEvent {
  bool is_captured = false;
  std::string order_id;  ///< The provider's.
  ProviderPayment payment;
  std::string complaint;  ///< Why an event about an order's payment can't be read.
};

/// Reads the fields of a captured payment. Only `captured`, which repeats the status, and the
/// fields about refunds may be absent.
void read_captured(JsonFields& fields, const nlohmann::json& entity, ProviderPayment& payment) {
  payment.amount_minor = fields.minor_units("amount");
  payment.currency = fields.text("currency", 1, 16);
  payment.status = fields.text("status", 1, 64);
  payment.refund_status = fields.optional_text("refund_status", 64);
  if (entity.contains("amount_refunded")) {
    payment.refunded_minor = fields.minor_units("amount_refunded");
  }
  if (const auto found = entity.find("captured"); found != entity.end()) {
    payment.is_captured = found->is_boolean() && found->get<bool>();
  }
}

/// What is used of a webhook about a refund.
struct RefundEvent {
  RefundReport report;
  std::string complaint;
};

/// Returns nullopt if the event does not say how a refund ended.
std::optional<RefundEvent> read_refund_event(const nlohmann::json& json) {
  RefundEvent read;
  const auto name = JsonFields(json).optional_text("event", 64);
  if (name == "refund.processed") {
    read.report.state = RefundStatus::done;
  } else if (name == "refund.failed") {
    read.report.state = RefundStatus::failed;
    read.report.error = "the payment provider's webhook says failed";
  } else {
    return std::nullopt;
  }
  const nlohmann::json::json_pointer where("/payload/refund/entity");
  JsonFields fields(json.contains(where) ? json.at(where) : nlohmann::json(),
                    "payload.refund.entity.");
  read.report.payment_id = fields.text("payment_id", 1, 128);
  read.report.refund_id = fields.text("id", 1, 128);
  read.report.amount_minor = fields.minor_units("amount");
  read.complaint = fields.complaint();
  return read;
}

/// Returns nullopt if the event is not about the payment of an order.
std::optional<PaymentEvent> read_event(const nlohmann::json& json) {
  PaymentEvent read;
  const auto name = JsonFields(json).optional_text("event", 64);
  read.is_captured = name == "payment.captured" || name == "order.paid";
  if (!read.is_captured && name != "payment.failed") return std::nullopt;
  const nlohmann::json::json_pointer where("/payload/payment/entity");
  if (!json.contains(where)) {
    read.complaint = "payload.payment.entity is required";
    return read;
  }
  const auto& entity = json.at(where);
  JsonFields fields(entity, "payload.payment.entity.");
  if (entity.is_object() && (!entity.contains("order_id") || entity.at("order_id").is_null())) {
    return std::nullopt;  // a payment without an order is not for one of ours
  }
  read.order_id = fields.text("order_id", 1, 128);
  read.payment.id = fields.text("id", 1, 128);
  if (read.is_captured && entity.is_object()) read_captured(fields, entity, read.payment);
  read.complaint = fields.complaint();
  return read;
}

/// Returns what identifies an event: its id, or its kind and payment if it has no id.
PaymentEventKey key_of(const PaymentEvent& event, const ordercast::HttpRequest& request) {
  auto digest = webhook_digest(request.body);
  const auto id = request.header("X-Razorpay-Event-Id");
  if (id.empty() || id.size() > 128) {
    return {(event.is_captured ? "captured " : "failed ") + event.payment.id, std::move(digest)};
  }
  return {std::string(id), std::move(digest)};
}

/// Refuses an event that is signed but can't be right. Money may have moved, so logs it for an
/// operator.
HttpResponse refuse_event(const PaymentEvent& event, const std::string& reason,
                          ApiContext& context) {
  context.metrics.payment_events_refused.add();
  spdlog::error("webhook refused: payment {} of provider order {}: {}", printable(event.payment.id),
                printable(event.order_id), printable(reason));
  return success({{"outcome", "refused"}});
}

HttpResponse answer_event(const char* outcome) {
  return success({{"outcome", outcome}});
}

/// Repeated, a refund's end is no news: the queue knows how each of its refunds ended.
HttpResponse apply_refund_event(const RefundEvent& event, ApiContext& context) {
  const auto& report = event.report;
  if (!event.complaint.empty()) {
    context.metrics.payment_events_refused.add();
    spdlog::error("webhook refused: refund of payment {}: {}", printable(report.payment_id),
                  printable(event.complaint));
    return answer_event("refused");
  }
  const auto now_ms = context.now_ms();
  const auto result = context.refunds.report_refund(report, now_ms, now_ms);
  if (!result.known_payment) return answer_event("ignored");
  if (!result.change.changed) return answer_event("unchanged");
  if (report.state == RefundStatus::failed) {
    context.metrics.refunds_failed.add();
    spdlog::error("refund: payment {} of order {} is given up: {}", printable(report.payment_id),
                  printable(result.change.order->id), report.error);
  } else {
    context.metrics.refunds_done.add();
  }
  context.metrics.payment_events.add();
  context.committed();
  return answer_event("applied");
}

/// Answers a signed event with 200, because the provider repeats any other. Only a failing database
/// is worth a retry.
HttpResponse payment_webhook(const ApiRequest& request, ApiContext& context) {
  const auto& secret = context.payments.webhook_secret;
  if (secret.empty()) return problem(404, "No webhook is set up");
  if (!is_webhook_signed(request.http.body, request.http.header("X-Razorpay-Signature"), secret)) {
    return problem(400, "Invalid Signature", "The webhook is not signed under this secret");
  }
  // The signature is good: the event comes from the provider.
  const auto json = within_depth(request.http.body, max_json_depth)
                        ? nlohmann::json::parse(request.http.body, nullptr, false)
                        : nlohmann::json();
  if (!json.is_object()) return answer_event("ignored");
  if (const auto refund = read_refund_event(json)) return apply_refund_event(*refund, context);
  const auto event = read_event(json);
  if (!event) return answer_event("ignored");
  if (!event->complaint.empty()) return refuse_event(*event, event->complaint, context);

  const auto key = key_of(*event, request.http);
  const auto result = context.store.apply_payment_event(
      key, event->order_id,
      [&](const Order& order) {
        return made_by_provider(event->is_captured ? decide_captured_payment(order, event->payment)
                                                   : decide_failed_payment(order));
      },
      context.now_ms());
  if (!result.known_order) return answer_event("ignored");
  if (result.repeated) return answer_event("repeated");
  if (result.id_reused) {
    spdlog::warn("webhook: event id {} was used before with another body; it counts as new",
                 printable(key.id));
  }
  const auto& change = result.change;
  if (change.rejection) return refuse_event(*event, change.rejection->message, context);
  if (!change.changed) return answer_event("unchanged");
  if (event->is_captured && change.order->razorpay_payment_id != event->payment.id) {
    spdlog::warn("webhook: payment {} is a second one of order {}, and is given back",
                 printable(event->payment.id), printable(change.order->id));
  }
  context.metrics.payment_events.add();
  context.committed();
  return answer_event("applied");
}

}  // namespace

Routes payment_routes() {
  return {
      {"POST", "/api/v1/orders/:id/payment", Access::customer, Lane::payment, &create_payment},
      {"POST", "/api/v1/orders/:id/payment/verify", Access::customer, Lane::writer,
       &verify_payment},
      {"POST", "/api/v1/payments/webhook", Access::open, Lane::webhook, &payment_webhook},
  };
}

}  // namespace order_server
