// SPDX-License-Identifier: MIT
#include "api/context.hpp"
#include "api/envelope.hpp"
#include "domain/money.hpp"
#include <ordercast/handshake.hpp>

#include <nlohmann/json.hpp>

namespace order_server {
namespace {

using nlohmann::ordered_json;
using ordercast::HttpResponse;

HttpResponse list_stores(const ApiRequest& /*request*/, ApiContext& context) {
  auto data = ordered_json::array();
  auto methods = ordered_json::array({"COD"});
  if (context.payments.mode != PaymentMode::off) methods.push_back("ONLINE");
  for (const auto& shop : context.store.list_shops()) {
    data.push_back({{"id", shop.id},
                    {"name", shop.name},
                    {"organizationId", shop.organization_id},
                    {"paymentMethods", methods}});
  }
  return success(std::move(data));
}

/// Lists the products of every store if there is no `storeId`.
HttpResponse list_products(const ApiRequest& request, ApiContext& context) {
  const auto store_id = ordercast::query_parameter(request.http.query(), "storeId").value_or("");
  auto data = ordered_json::array();
  for (const auto& product : context.store.list_products(store_id)) {
    data.push_back({{"id", product.id},
                    {"storeId", product.store_id},
                    {"name", product.name},
                    {"price", format_minor(product.price_minor)}});
  }
  return success(std::move(data));
}

}  // namespace

Routes catalog_routes() {
  return {{"GET", "/api/v1/stores", Access::signed_in, Lane::list, &list_stores},
          {"GET", "/api/v1/products", Access::signed_in, Lane::list, &list_products}};
}

}  // namespace order_server
