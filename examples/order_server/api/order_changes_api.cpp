// SPDX-License-Identifier: MIT
#include "api/context.hpp"
#include "api/envelope.hpp"
#include "api/json_body.hpp"
#include "api/order_access.hpp"
#include "domain/instant.hpp"
#include "domain/printable.hpp"
#include "domain/transitions.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <unordered_set>

namespace order_server {
namespace {

using nlohmann::ordered_json;
using ordercast::HttpResponse;

constexpr std::size_t max_bulk = 100;
constexpr std::int64_t max_version = std::int64_t{1}
                                     << 53;  // the largest integer that a double holds exactly

/// Changes an order that the caller may see, as `decide` says.
template <class Decide>
ChangeResult change_visible(const ApiRequest& request, ApiContext& context, std::string_view id,
                            const Decide& decide) {
  return change_order(request.caller, context, id, scope_of(request.caller), may_see, decide);
}

/// `estimatedReadyAt`: an instant, or null for none any more.
Estimate read_estimate(JsonBody& body) {
  constexpr const char* name = "estimatedReadyAt";
  if (!body.contains(name)) return {};
  const auto text = body.optional_text(name, 64);
  if (text.empty()) return {true, std::nullopt};
  const auto at_ms = parse_instant(text);
  if (!at_ms)
    body.complain(name, "must be an ISO 8601 instant, like 2026-05-01T12:30:00Z, or null");
  return {true, at_ms};
}

HttpResponse change_status(const ApiRequest& request, ApiContext& context) {
  JsonBody body(request.http);
  const auto status = body.choice("status", order_status_names, order_status_from_string);
  const std::string note = body.optional_text("note", max_note_bytes);
  const auto expected = body.optional_integer("expectedVersion", 1, max_version);
  const auto estimate = read_estimate(body);
  if (auto refusal = body.refusal()) return std::move(*refusal);

  const auto result = change_visible(request, context, request.parameters.at(0),
                                     [&](const Order& order) -> Decision {
                                       if (auto refusal = refuse_other_version(order, expected))
                                         return std::move(*refusal);
                                       return decide_status(order, status, note, estimate);
                                     });
  return answer_change(result, context.committed);
}

HttpResponse change_payment_status(const ApiRequest& request, ApiContext& context) {
  JsonBody body(request.http);
  const auto status =
      body.choice("paymentStatus", "PENDING, PAID, FAILED, REFUNDED", payment_status_from_string);
  const std::string note = body.optional_text("note", max_note_bytes);
  if (auto refusal = body.refusal()) return std::move(*refusal);

  const auto result = change_visible(
      request, context, request.parameters.at(0),
      [&](const Order& order) { return decide_payment_status(order, status, note); });
  return answer_change(result, context.committed);
}

/// Reads the ids of a bulk change in their order, without duplicates.
std::vector<std::string> read_order_ids(JsonBody& body) {
  std::vector<std::string> ids;
  std::unordered_set<std::string> seen;
  for (const auto& element : body.array("orderIds", 1, max_bulk)) {
    if (!element.is_string() || element.get_ref<const std::string&>().empty()) {
      body.complain("orderIds", "must hold ids of orders");
      return ids;
    }
    auto id = element.get<std::string>();
    if (seen.insert(id).second) ids.push_back(std::move(id));
  }
  return ids;
}

/// Changes many orders, each in its own transaction: one that can't change does not stop the
/// others. Answers when all are done; a failure of the database does not undo earlier changes.
HttpResponse change_status_of_many(const ApiRequest& request, ApiContext& context) {
  JsonBody body(request.http);
  const auto ids = read_order_ids(body);
  const auto status = body.choice("status", order_status_names, order_status_from_string);
  if (auto refusal = body.refusal()) return std::move(*refusal);

  std::int64_t updated = 0;
  auto errors = ordered_json::array();
  const auto skip = [&](const std::string& id, std::string_view reason) {
    errors.push_back({{"orderId", id}, {"reason", reason}});
  };
  constexpr std::string_view no_answer = "The database did not answer; try this order again";
  bool is_away = false;
  for (const auto& id : ids) {
    // One wait for a database that is away is enough: everybody's changes wait behind this one.
    if (is_away) {
      skip(id, no_answer);
      continue;
    }
    try {
      const auto result = change_visible(
          request, context, id, [&](const Order& order) { return decide_status(order, status); });
      if (result.changed) {
        context.committed();
        ++updated;
      } else {
        skip(id, (result.rejection ? *result.rejection : no_such_order()).message);
      }
    } catch (const StoreError& error) {
      // Report what was done so far: a client that asks again repeats nothing.
      if (updated == 0) throw;
      spdlog::error("bulk status: {}", printable(error.what()));
      is_away = true;
      skip(id, no_answer);
    }
  }
  const auto skipped = errors.size();
  return success({{"updated", updated}, {"skipped", skipped}, {"errors", std::move(errors)}});
}

/// Ignores the request's body.
HttpResponse cancel(const ApiRequest& request, ApiContext& context) {
  return change_own_order(request, context, decide_cancel);
}

}  // namespace

Routes order_change_routes() {
  return {
      {"PATCH", "/api/v1/orders/:id/status", Access::staff, Lane::writer, &change_status},
      {"PATCH", "/api/v1/orders/:id/payment-status", Access::staff, Lane::writer,
       &change_payment_status},
      {"POST", "/api/v1/orders/bulk-status", Access::staff, Lane::writer, &change_status_of_many},
      {"POST", "/api/v1/orders/:id/cancel", Access::customer, Lane::writer, &cancel},
  };
}

}  // namespace order_server
