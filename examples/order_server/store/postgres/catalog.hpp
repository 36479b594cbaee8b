// SPDX-License-Identifier: MIT
#pragma once

#include "store/postgres/connection.hpp"
#include "store/store.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The statements about shops and products, and what the store says of itself; see `Store`. What
/// writes must be called within a transaction, which the caller commits. All throw StoreError.
namespace order_server::postgres {

[[nodiscard]] bool fill(Connection& connection, const DemoData& data);
[[nodiscard]] bool is_demo(Connection& connection);
[[nodiscard]] std::string epoch(Connection& connection);
void insert_shop(Connection& connection, const Shop& shop);
void insert_product(Connection& connection, const Product& product);
[[nodiscard]] std::vector<Shop> list_shops(Connection& connection);
[[nodiscard]] std::optional<Shop> find_shop(Connection& connection, std::string_view id);
[[nodiscard]] std::vector<Product> list_products(Connection& connection, std::string_view store_id);
/// Throws StoreError if the server answers and takes no changes.
void check(Connection& connection);

}  // namespace order_server::postgres
