// SPDX-License-Identifier: MIT
#include "store/postgres/catalog.hpp"

#include "store/postgres/accounts.hpp"
#include "store/postgres/orders.hpp"
#include "store/rows.hpp"

namespace order_server::postgres {

bool fill(Connection& connection, const DemoData& data) {
  // Keeps another node from filling at the same time; reads go on.
  connection.execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE");
  if (has_users(connection)) return false;
  for (const User& user : data.users) insert_user(connection, user);
  for (const Shop& shop : data.shops) insert_shop(connection, shop);
  for (const Product& product : data.products) insert_product(connection, product);
  for (Order order : data.orders) insert_order(connection, order);
  connection.query("INSERT INTO meta (name, value) VALUES ('demo', '1') ON CONFLICT DO NOTHING");
  return true;
}

bool is_demo(Connection& connection) {
  return !connection.query("SELECT 1 FROM meta WHERE name = 'demo'").empty();
}

std::string epoch(Connection& connection) {
  const Result rows = connection.query("SELECT value FROM meta WHERE name = 'epoch'");
  if (rows.empty()) throw StoreError("the database " + connection.name() + " has no epoch");
  return rows.text(0, 0);
}

void insert_shop(Connection& connection, const Shop& shop) {
  connection.query("INSERT INTO shops (id, organization_id, name, phone) VALUES ($1, $2, $3, $4)",
                   shop.id, shop.organization_id, shop.name, NullIfEmpty{shop.phone});
}

void insert_product(Connection& connection, const Product& product) {
  connection.query("INSERT INTO products (id, store_id, name, price_minor) VALUES ($1, $2, $3, $4)",
                   product.id, product.store_id, product.name, product.price_minor);
}

std::vector<Shop> list_shops(Connection& connection) {
  return read_all(
      connection.query("SELECT id, organization_id, name, phone FROM shops ORDER BY id"),
      rows::shop<Row>);
}

std::optional<Shop> find_shop(Connection& connection, std::string_view id) {
  const Result rows =
      connection.query("SELECT id, organization_id, name, phone FROM shops WHERE id = $1", id);
  if (rows.empty()) return std::nullopt;
  return rows::shop(Row(rows, 0));
}

std::vector<Product> list_products(Connection& connection, std::string_view store_id) {
  if (store_id.empty()) {
    return read_all(connection.query("SELECT id, store_id, name, price_minor FROM products "
                                     "ORDER BY store_id, id"),
                    rows::product<Row>);
  }
  return read_all(connection.query("SELECT id, store_id, name, price_minor FROM products "
                                   "WHERE store_id = $1 ORDER BY id",
                                   store_id),
                  rows::product<Row>);
}

void check(Connection& connection) {
  const Result rows = connection.query(
      "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean");
  if (!rows.flag(0, 0)) return;
  connection.discard("cannot write " + connection.name() + ": it is read-only, as a standby is");
}

}  // namespace order_server::postgres
