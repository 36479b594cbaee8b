// SPDX-License-Identifier: MIT
#include "api/context.hpp"
#include "api/envelope.hpp"
#include "api/json_body.hpp"
#include "api/order_access.hpp"
#include "domain/ids.hpp"
#include "domain/money.hpp"
#include "domain/order_json.hpp"
#include <ordercast/handshake.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <unordered_map>

namespace order_server {
namespace {

using nlohmann::ordered_json;
using ordercast::HttpResponse;

constexpr std::size_t max_address_characters = 500;
constexpr std::size_t max_items = 100;
constexpr std::int64_t max_quantity = 999;
constexpr std::int64_t max_page = 1'000'000;
constexpr std::int64_t max_page_size = 100;

/// Reads a whole number from 1 to `most` from a query. Returns `fallback` if the parameter is
/// absent, nullopt if it is anything else.
std::optional<std::int64_t> query_integer(std::string_view query, std::string_view name,
                                          std::int64_t fallback, std::int64_t most) {
  const auto text = ordercast::query_parameter(query, name);
  if (!text) return fallback;
  std::int64_t value = 0;
  const auto* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc{} || stop != end || value < 1 || value > most) return std::nullopt;
  return value;
}

HttpResponse list_orders(const ApiRequest& request, ApiContext& context) {
  const auto query = request.http.query();
  const auto page = query_integer(query, "page", 1, max_page);
  if (!page) return problem(400, "page must be a whole number from 1 to 1000000");
  const auto wanted_size = query_integer(query, "pageSize", 20, max_page);
  if (!wanted_size) return problem(400, "pageSize must be a whole number from 1 to 100");
  const auto page_size = std::min(*wanted_size, max_page_size);
  const auto status_name = ordercast::query_parameter(query, "status");
  const auto status = order_status_from_string(status_name.value_or(""));
  if (status_name && !status) {
    return problem(400, "status must be one of " + std::string(order_status_names));
  }

  auto filter = scope_of(request.caller);
  if (!filter) return success_page(ordered_json::array(), {0, *page, page_size});
  filter->status = status;
  filter->page = *page;
  filter->page_size = page_size;
  const auto found = context.store.list_orders(*filter);
  auto data = ordered_json::array();
  for (const auto& order : found.orders) data.push_back(order_to_json(order));
  return success_page(std::move(data), {found.total, *page, page_size});
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

HttpResponse create_order(const ApiRequest& request, ApiContext& context) {
  JsonBody body(request.http);
  Order order;
  order.store_id = body.text("storeId", 1, 128);
  const auto wanted = read_items(body);
  order.payment_method = body.choice("paymentMethod", "ONLINE, COD", payment_method_from_string);
  order.fulfillment_type =
      body.choice("fulfillmentType", "DELIVERY, PICKUP", fulfillment_type_from_string);
  order.delivery_address = read_address(body);
  order.note = body.optional_text("note", max_note_bytes);
  if (auto refusal = body.refusal()) return std::move(*refusal);
  if (order.fulfillment_type == FulfillmentType::delivery &&
      ordercast::detail::trim(order.delivery_address).empty()) {
    return problem(400, "deliveryAddress is required for DELIVERY: 1 to 500 characters");
  }

  if (order.payment_method == PaymentMethod::online && context.payments.mode == PaymentMode::off) {
    return problem(no_online_payments());
  }
  if (!context.store.find_user(request.caller.user_id)) {
    return problem(401, "This user no longer exists");
  }
  const auto shop = context.store.find_shop(order.store_id);
  if (!shop) return problem(422, "There is no such store");
  auto items = price_items(wanted, context.store.list_products(shop->id));
  if (!items) return problem(422, "This store does not sell one of the products");
  const auto total = order_total(*items);
  if (!total) return problem(422, "The total is too large");

  order.id = random_uuid();
  order.user_id = request.caller.user_id;
  order.organization_id = shop->organization_id;
  order.items = std::move(*items);
  order.total_minor = *total;
  // With a payment provider, create_payment sets the id when the customer pays.
  if (order.payment_method == PaymentMethod::online && context.payments.key_id.empty()) {
    order.razorpay_order_id = random_razorpay_order_id();
  }
  order.created_at_ms = context.now_ms();
  order.updated_at_ms = order.created_at_ms;
  order.status_logs = {{random_uuid(), OrderStatus::pending, {}, order.created_at_ms}};
  context.store.create_order(order);
  context.committed();
  return success(order_to_json(order), 201);
}

}  // namespace

Routes order_routes() {
  return {
      {"GET", "/api/v1/orders", Access::signed_in, Lane::list, &list_orders},
      {"POST", "/api/v1/orders", Access::customer, Lane::writer, &create_order},
      {"GET", "/api/v1/orders/:id", Access::signed_in, Lane::reader, &get_order},
  };
}

}  // namespace order_server
