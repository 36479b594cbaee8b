// SPDX-License-Identifier: MIT
#include "store/sqlite/rows.hpp"

namespace order_server::sqlite {

std::optional<User> read_user(Query& query) {
  if (!query.next()) return std::nullopt;
  return User{query.text(0),
              query.text(1),
              query.text(2),
              query.text(3),
              known(role_from_string(query.text(4)), "users.role"),
              query.text(5),
              query.integer(6) != 0};
}

void insert_log(Connection& connection, std::int64_t order_number, std::size_t position,
                const StatusLog& log) {
  connection
      .query(
          "INSERT INTO status_logs (order_number, position, id, status, note, created_at) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
          order_number, static_cast<std::int64_t>(position), log.id, to_string(log.status),
          NullIfEmpty{log.note}, log.created_at_ms)
      .run();
}

void insert_order(Connection& connection, const Order& order) {
  connection
      .query(
          "INSERT INTO orders (id, user_id, store_id, organization_id, status, payment_status, "
          "payment_method, fulfillment_type, total_minor, delivery_address, razorpay_order_id, "
          "razorpay_payment_id, note, version, created_at, updated_at, nth_of_user) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
          "1 + ifnull((SELECT max(nth_of_user) FROM orders WHERE user_id = ?2), 0))",
          order.id, order.user_id, order.store_id, order.organization_id, to_string(order.status),
          to_string(order.payment_status), to_string(order.payment_method),
          to_string(order.fulfillment_type), order.total_minor, NullIfEmpty{order.delivery_address},
          NullIfEmpty{order.razorpay_order_id}, NullIfEmpty{order.razorpay_payment_id},
          NullIfEmpty{order.note}, static_cast<std::int64_t>(order.version), order.created_at_ms,
          order.updated_at_ms)
      .run();
  const std::int64_t number = connection.last_insert_id();
  std::int64_t position = 0;
  for (const OrderItem& item : order.items) {
    connection
        .query(
            "INSERT INTO order_items (order_number, position, id, product_id, name, quantity, "
            "unit_price_minor) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            number, ++position, item.id, item.product_id, item.name, item.quantity,
            item.unit_price_minor)
        .run();
  }
  for (std::size_t i = 0; i < order.status_logs.size(); ++i) {
    insert_log(connection, number, i + 1, order.status_logs[i]);
  }
}

}  // namespace order_server::sqlite
