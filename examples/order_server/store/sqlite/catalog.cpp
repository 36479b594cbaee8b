// SPDX-License-Identifier: MIT
#include "store/sqlite/order_rows.hpp"
#include "store/sqlite/rows.hpp"
#include "store/sqlite/sqlite_store.hpp"

#include <string>

/// Users, shops, products, and the store's own facts: its epoch, and whether it has demo data.
namespace order_server {

using sqlite::Connection;
using sqlite::NullIfEmpty;
using sqlite::Query;

namespace {

void insert_user(Connection& connection, const User& user) {
  connection
      .query(
          "INSERT INTO users (id, email, name, password_hash, role, organization_id, phone) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
          user.id, user.email, user.name, user.password_hash, to_string(user.role),
          NullIfEmpty{user.organization_id}, NullIfEmpty{user.phone})
      .run();
}

void insert_shop(Connection& connection, const Shop& shop) {
  connection
      .query("INSERT INTO shops (id, organization_id, name, phone) VALUES (?1, ?2, ?3, ?4)",
             shop.id, shop.organization_id, shop.name, NullIfEmpty{shop.phone})
      .run();
}

void insert_product(Connection& connection, const Product& product) {
  connection
      .query("INSERT INTO products (id, store_id, name, price_minor) VALUES (?1, ?2, ?3, ?4)",
             product.id, product.store_id, product.name, product.price_minor)
      .run();
}

bool has_users(Connection& connection) {
  return connection.query("SELECT 1 FROM users LIMIT 1").next();
}

}  // namespace

bool SqliteStore::empty() {
  const ReaderPool::Lease reader(readers_);
  return !has_users(*reader);
}

bool SqliteStore::fill(const DemoData& data) {
  Write write(*this, durability_);
  const bool is_empty = !has_users(*write);
  if (is_empty) {
    for (const User& user : data.users) insert_user(*write, user);
    for (const Shop& shop : data.shops) insert_shop(*write, shop);
    for (const Product& product : data.products) insert_product(*write, product);
    for (Order order : data.orders) sqlite::insert_order(*write, order);
    write->query("INSERT OR REPLACE INTO meta (name, value) VALUES ('demo', '1')").run();
  }
  write.commit();
  return is_empty;
}

bool SqliteStore::is_demo() {
  const ReaderPool::Lease reader(readers_);
  return reader->query("SELECT 1 FROM meta WHERE name = 'demo'").next();
}

std::string SqliteStore::epoch() {
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query("SELECT value FROM meta WHERE name = 'epoch'");
  if (!query.next()) throw StoreError("the database \"" + reader->file() + "\" has no epoch");
  return query.text(0);
}

void SqliteStore::add_user(const User& user) {
  Write write(*this, durability_);
  insert_user(*write, user);
  write.commit();
}

void SqliteStore::add_shop(const Shop& shop) {
  Write write(*this, durability_);
  insert_shop(*write, shop);
  write.commit();
}

void SqliteStore::add_product(const Product& product) {
  Write write(*this, durability_);
  insert_product(*write, product);
  write.commit();
}

std::optional<User> SqliteStore::find_user(std::string_view id) {
  static const std::string sql = std::string(sqlite::user_columns) + "id = ?1";
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query(sql, id);
  return sqlite::read_user(query);
}

std::optional<User> SqliteStore::find_user_by_email(std::string_view email) {
  static const std::string sql = std::string(sqlite::user_columns) + "email = ?1";
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query(sql, email);
  return sqlite::read_user(query);
}

std::vector<Shop> SqliteStore::list_shops() {
  const ReaderPool::Lease reader(readers_);
  return read_all(reader->query("SELECT id, organization_id, name, phone FROM shops ORDER BY id"),
                  rows::shop<Query>);
}

std::optional<Shop> SqliteStore::find_shop(std::string_view id) {
  const ReaderPool::Lease reader(readers_);
  Query query =
      reader->query("SELECT id, organization_id, name, phone FROM shops WHERE id = ?1", id);
  if (!query.next()) return std::nullopt;
  return rows::shop(query);
}

std::vector<Product> SqliteStore::list_products(std::string_view store_id) {
  const ReaderPool::Lease reader(readers_);
  if (store_id.empty()) {
    return read_all(reader->query("SELECT id, store_id, name, price_minor FROM products "
                                  "ORDER BY store_id, id"),
                    rows::product<Query>);
  }
  return read_all(reader->query("SELECT id, store_id, name, price_minor FROM products "
                                "WHERE store_id = ?1 ORDER BY id",
                                store_id),
                  rows::product<Query>);
}

}  // namespace order_server
