// SPDX-License-Identifier: MIT
#pragma once

#include "../support/temp_dir.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/sqlite_store.hpp"

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

/// What the tests of the store share: a folder that goes away, a store with one shop, an order.
namespace order_server {

/// A folder of its own, removed with all that is in it.
class TempDir : public ordercast::test::TempDir {
 public:
  [[nodiscard]] std::string file(const std::string& name = "shop.db") const {
    return (path() / name).string();
  }
};

/// Looks into a database's file beside any store that has it open.
inline std::int64_t number_in(const std::string& file, const char* sql) {
  sqlite::Connection connection(file, sqlite::Access::query_only, std::chrono::seconds(1));
  sqlite::Query query = connection.query(sql);
  if (!query.next()) throw std::runtime_error("the query has no row");
  return query.integer(0);
}

inline std::string text_in(const std::string& file, const char* sql) {
  sqlite::Connection connection(file, sqlite::Access::query_only, std::chrono::seconds(1));
  sqlite::Query query = connection.query(sql);
  if (!query.next()) throw std::runtime_error("the query has no row");
  return query.text(0);
}

inline void execute_in(const std::string& file, const char* sql) {
  sqlite::Connection connection(file, sqlite::Access::read_write_create, std::chrono::seconds(1));
  connection.execute(sql);
}

/// What a program of schema 6 left: the tables of today without what came later.
inline void take_back_to_schema_6(const std::string& file) {
  execute_in(file, R"sql(
    DROP TABLE refunds; DROP TABLE requests;
    DROP INDEX orders_of_store; DROP INDEX orders_number_in_organization;
    ALTER TABLE orders DROP COLUMN number_in_organization;
    ALTER TABLE orders DROP COLUMN refund_status;
    ALTER TABLE orders DROP COLUMN estimated_ready_at;
    ALTER TABLE status_logs DROP COLUMN version;
    ALTER TABLE status_logs DROP COLUMN payment_status;
    ALTER TABLE status_logs DROP COLUMN actor_id;
    ALTER TABLE status_logs DROP COLUMN actor_role;
    ALTER TABLE status_logs DROP COLUMN is_shown;
    ALTER TABLE users DROP COLUMN phone;
    ALTER TABLE shops DROP COLUMN phone;
    PRAGMA user_version = 6;)sql");
}

inline SqliteOptions options_for(std::string file) {
  SqliteOptions options;
  options.file = std::move(file);
  return options;
}

/// The shop and the product that `sample_order` refers to.
inline void add_sample_shop(Store& store) {
  store.add_shop({"store-1", "org-1", "Corner Shop"});
  store.add_product({"product-1", "store-1", "Tea", 250});
}

/// A new PENDING order of `user_id`.
inline Order sample_order(const std::string& id, const std::string& user_id = "user-1",
                          std::int64_t created_at_ms = 1000) {
  Order order;
  order.id = id;
  order.user_id = user_id;
  order.store_id = "store-1";
  order.organization_id = "org-1";
  order.payment_method = PaymentMethod::online;
  order.razorpay_order_id = "order_" + id;
  order.items = {{"item-" + id, "product-1", "Tea", 2, 250}};
  order.total_minor = 500;
  order.status_logs = {{"log-" + id, OrderStatus::pending, "", created_at_ms}};
  order.created_at_ms = created_at_ms;
  order.updated_at_ms = created_at_ms;
  return order;
}

}  // namespace order_server
