// SPDX-License-Identifier: MIT
#include "api/context.hpp"
#include "api/envelope.hpp"
#include "api/json_body.hpp"
#include "api/order_access.hpp"
#include "api/order_filter.hpp"
#include "domain/ids.hpp"
#include "domain/money.hpp"
#include "domain/order_json.hpp"
#include "domain/payments.hpp"
#include <ordercast/handshake.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <unordered_map>

namespace order_server {
namespace {

using nlohmann::ordered_json;
using ordercast::HttpResponse;

constexpr std::size_t max_address_characters = 500;
constexpr std::size_t max_items = 100;
constexpr std::size_t max_key_bytes = 255;
constexpr std::int64_t max_quantity = 999;

HttpResponse list_orders(const ApiRequest& request, ApiContext& context) {
  auto scope = scope_of(request.caller);
  OrderFilter filter = scope.value_or(OrderFilter());
  const auto complaint = read_order_filter(request.http.query(), filter);
  if (!complaint.empty()) return problem(400, complaint);
  if (!scope) return success_page(ordered_json::array(), {0, filter.page, filter.page_size, {}});
  const auto found = context.store.list_orders(filter);
  auto data = ordered_json::array();
  for (const auto& order : found.orders) data.push_back(order_to_json(order));
  return success_page(std::move(data),
                      {found.total, filter.page, filter.page_size,
                       found.next ? cursor_text(filter, *found.next) : std::string()});
}

HttpResponse count_orders(const ApiRequest& request, ApiContext& context) {
  auto scope = scope_of(request.caller);
  OrderFilter filter = scope.value_or(OrderFilter());
  const auto complaint = read_order_filter(request.http.query(), filter);
  if (!complaint.empty()) return problem(400, complaint);
  const auto counts = scope ? context.store.count_orders(filter) : OrderCounts();
  auto by_status = ordered_json::object();
  for (const auto& [status, name] : all_order_statuses) {
    by_status[std::string(name)] = counts.by_status[static_cast<std::size_t>(status)];
  }
  return success({{"total", counts.total}, {"byStatus", std::move(by_status)}});
}

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json history_entry_to_json(const HistoryEntry& entry) {
  ordered_json actor = nullptr;
  if (!entry.actor.role.empty()) {
    actor = {{"id", text_or_null(entry.actor.id)},
             {"name", text_or_null(entry.actor_name)},
             {"role", entry.actor.role}};
  }
  return {{"version", entry.version},
          {"status", to_string(entry.status)},
          {"paymentStatus", entry.payment_status ? ordered_json(to_string(*entry.payment_status))
                                                 : ordered_json(nullptr)},
          {"note", text_or_null(entry.note)},
          {"actor", std::move(actor)},
          {"createdAt", iso8601(entry.created_at_ms)}};
}

HttpResponse get_history(const ApiRequest& request, ApiContext& context) {
  const auto scope = scope_of(request.caller);
  if (!scope) return problem(no_such_order());
  const auto history = context.store.order_history(request.parameters.at(0), *scope);
  if (!history) return problem(no_such_order());
  auto data = ordered_json::array();
  for (const auto& entry : *history) data.push_back(history_entry_to_json(entry));
  return success(std::move(data));
}

HttpResponse get_order(const ApiRequest& request, ApiContext& context) {
  const auto scope = scope_of(request.caller);
  if (!scope) return problem(no_such_order());
  const auto order = context.store.find_order(request.parameters.at(0), *scope);
  if (!order || !may_see(request.caller, *order)) return problem(no_such_order());
  return success(order_to_json(*order));
}

/// An item that the customer asks for, not yet checked against the catalogue.
struct WantedItem {
  std::string product_id;
  std::int64_t quantity = 0;
};

std::vector<WantedItem> read_items(JsonBody& body) {
  std::vector<WantedItem> wanted;
  for (const auto& element : body.array("items", 1, max_items)) {
    JsonFields item(element, "items[" + std::to_string(wanted.size()) + "].");
    // The reference's checkout calls it storeProductId.
    const char* id_field =
        item.has("productId") || !item.has("storeProductId") ? "productId" : "storeProductId";
    WantedItem read{item.text(id_field, 1, 128), item.integer("quantity", 1, max_quantity)};
    if (!item.complaint().empty()) {
      body.complain("", item.complaint());
      break;
    }
    wanted.push_back(std::move(read));
  }
  return wanted;
}

/// Takes names and prices from the store's catalogue, never from the request. Returns nullopt if
/// the store does not sell one of the items.
std::optional<std::vector<OrderItem>> price_items(const std::vector<WantedItem>& wanted,
                                                  const std::vector<Product>& products) {
  std::unordered_map<std::string_view, const Product*> catalogue;
  for (const auto& product : products) catalogue.emplace(product.id, &product);
  std::vector<OrderItem> items;
  for (const auto& want : wanted) {
    const auto found = catalogue.find(want.product_id);
    if (found == catalogue.end()) return std::nullopt;
    const Product& product = *found->second;
    items.push_back({random_uuid(), product.id, product.name, want.quantity, product.price_minor});
  }
  return items;
}

/// As people count them, near enough; the body is UTF-8.
std::size_t characters(std::string_view text) {
  const auto begins_one = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_one));
}

/// Where to bring it. An order that is to be delivered needs one.
std::string read_address(JsonBody& body) {
  auto address = body.optional_text("deliveryAddress", 4 * max_address_characters);
  if (characters(address) > max_address_characters) {
    body.complain("deliveryAddress", "must have at most 500 characters");
  }
  return address;
}

// ---- Requests that may come twice --------------------------------------------------------------

/// The request's Idempotency-Key, with what it asks for; nothing without one. A key that can't be
/// one is a complaint.
std::optional<RequestKey> read_request_key(const ApiRequest& request, std::string& complaint) {
  constexpr std::string_view name = "Idempotency-Key";
  std::optional<std::string_view> found;
  bool is_single = true;
  for (const auto& field : request.http.headers) {
    if (!ordercast::iequals(field.name, name)) continue;
    is_single = !found;
    found = field.value;
  }
  if (!found) return std::nullopt;
  const auto is_visible = [](char c) { return c >= 0x21 && c <= 0x7E; };
  if (!is_single || found->empty() || found->size() > max_key_bytes ||
      !std::all_of(found->begin(), found->end(), is_visible)) {
    complaint = "Idempotency-Key must be 1 to 255 visible ASCII characters, once";
    return std::nullopt;
  }
  // Of the body's meaning, so that fields in another sequence are the same request.
  const auto body = nlohmann::json::parse(request.http.body, nullptr, false);
  return RequestKey{
      request.caller.user_id, std::string(*found),
      webhook_digest(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))};
}

HttpResponse answer_again(const EarlierAnswer& earlier, const RequestKey& request) {
  if (earlier.digest != request.digest) {
    return problem(422,
                   "This Idempotency-Key was used with another body; take a new key for "
                   "another order");
  }
  return success(ordered_json::parse(earlier.order_json), 201);
}

// ---- New orders --------------------------------------------------------------------------------

Order read_order(JsonBody& body, std::vector<WantedItem>& wanted) {
  Order order;
  order.store_id = body.text("storeId", 1, 128);
  wanted = read_items(body);
  order.payment_method = body.choice("paymentMethod", "ONLINE, COD", payment_method_from_string);
  order.fulfillment_type =
      body.choice("fulfillmentType", "DELIVERY, PICKUP", fulfillment_type_from_string);
  order.delivery_address = read_address(body);
  order.note = body.optional_text("note", max_note_bytes);
  return order;
}

/// Completes an order by what the shop knows. Nothing, or why it can't be placed.
std::optional<HttpResponse> complete_order(Order& order, const std::vector<WantedItem>& wanted,
                                           const Caller& caller, ApiContext& context) {
  if (order.fulfillment_type == FulfillmentType::delivery &&
      ordercast::detail::trim(order.delivery_address).empty()) {
    return problem(400, "deliveryAddress is required for DELIVERY: 1 to 500 characters");
  }
  if (order.payment_method == PaymentMethod::online && context.payments.mode == PaymentMode::off) {
    return problem(no_online_payments());
  }
  if (!context.store.find_user(caller.user_id)) {
    return problem(401, "This user no longer exists");
  }
  const auto shop = context.store.find_shop(order.store_id);
  if (!shop) return problem(422, "There is no such store");
  auto items = price_items(wanted, context.store.list_products(shop->id));
  if (!items) return problem(422, "This store does not sell one of the products");
  const auto total = order_total(*items);
  if (!total) return problem(422, "The total is too large");

  order.id = random_uuid();
  order.user_id = caller.user_id;
  order.organization_id = shop->organization_id;
  order.items = std::move(*items);
  order.total_minor = *total;
  // With a payment provider, create_payment sets the id when the customer pays.
  if (order.payment_method == PaymentMethod::online && context.payments.key_id.empty()) {
    order.razorpay_order_id = random_razorpay_order_id();
  }
  order.created_at_ms = context.now_ms();
  order.updated_at_ms = order.created_at_ms;
  order.status_logs = {{random_uuid(),
                        OrderStatus::pending,
                        {},
                        order.created_at_ms,
                        {caller.user_id, std::string(to_string(caller.role))}}};
  return std::nullopt;
}

/// One writes at a time, so that of two requests with one key the second finds the answer of the
/// first when its turn comes.
HttpResponse create_order(const ApiRequest& request, ApiContext& context) {
  JsonBody body(request.http);
  std::vector<WantedItem> wanted;
  Order order = read_order(body, wanted);
  if (auto refusal = body.refusal()) return std::move(*refusal);
  std::string complaint;
  const auto key = read_request_key(request, complaint);
  if (!complaint.empty()) return problem(400, complaint);
  if (key) {
    // Before the shop is asked: what it sold then counts.
    const auto earlier = context.store.find_answer(key->user_id, key->key, context.now_ms());
    if (earlier) return answer_again(*earlier, *key);
  }
  if (auto refusal = complete_order(order, wanted, request.caller, context)) {
    return std::move(*refusal);
  }
  const auto created = key ? context.store.create_order_once(order, *key)
                           : CreateResult{context.store.create_order(order), std::nullopt};
  if (created.earlier) return answer_again(*created.earlier, *key);
  context.committed();
  return success(order_to_json(*created.order), 201);
}

}  // namespace

Routes order_routes() {
  return {
      {"GET", "/api/v1/orders", Access::signed_in, Lane::list, &list_orders},
      {"POST", "/api/v1/orders", Access::customer, Lane::writer, &create_order},
      {"GET", "/api/v1/orders/counts", Access::signed_in, Lane::list, &count_orders},
      {"GET", "/api/v1/orders/:id", Access::signed_in, Lane::reader, &get_order},
      {"GET", "/api/v1/orders/:id/history", Access::staff, Lane::reader, &get_history},
  };
}

}  // namespace order_server
