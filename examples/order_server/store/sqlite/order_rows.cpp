// SPDX-License-Identifier: MIT
#include "store/sqlite/order_rows.hpp"

#include "domain/order_json.hpp"
#include "store/sqlite/rows.hpp"

namespace order_server::sqlite {
namespace {

void read_customer_and_store(Connection& connection, Order& order) {
  Query row = connection.query(
      "SELECT users.name, users.email, users.phone, shops.name, shops.phone FROM shops "
      "LEFT JOIN users ON users.id = ?1 WHERE shops.id = ?2",
      order.user_id, order.store_id);
  if (!row.next()) return;
  order.customer = {row.text(0), row.text(1), row.text(2)};
  order.store = {row.text(3), row.text(4)};
}

/// A log at its position: by version, which each change has one of, so that one that is not shown
/// takes no other's place.
void insert_log_row(Connection& connection, std::int64_t order_number, std::uint64_t version,
                    std::optional<PaymentStatus> payment_status, const StatusLog& log,
                    bool is_shown) {
  connection
      .query(
          "INSERT INTO status_logs (order_number, position, id, status, note, created_at, "
          "version, payment_status, actor_id, actor_role, is_shown) "
          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?2, ?7, ?8, ?9, ?10)",
          order_number, static_cast<std::int64_t>(version), log.id, to_string(log.status),
          NullIfEmpty{log.note}, log.created_at_ms,
          NullIfEmpty{payment_status ? to_string(*payment_status) : std::string_view()},
          NullIfEmpty{log.actor.id}, NullIfEmpty{log.actor.role}, std::int64_t{is_shown})
      .run();
}

void insert_items(Connection& connection, std::int64_t number, const Order& order) {
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
}

}  // namespace

NumberedOrder read_order_row(const Query& row) {
  NumberedOrder result = rows::order(row);
  constexpr int rest = rows::order_columns;
  result.order.customer = {row.text(rest), row.text(rest + 1), row.text(rest + 2)};
  result.order.store = {row.text(rest + 3), row.text(rest + 4)};
  return result;
}

void read_items_and_logs(Connection& connection, NumberedOrder& target) {
  Query items = connection.query(
      "SELECT id, product_id, name, quantity, unit_price_minor FROM order_items "
      "WHERE order_number = ?1 ORDER BY position",
      target.number);
  while (items.next()) {
    target.order.items.push_back(
        {items.text(0), items.text(1), items.text(2), items.integer(3), items.integer(4)});
  }
  Query logs = connection.query(
      "SELECT id, status, note, created_at, actor_id, actor_role FROM status_logs "
      "WHERE order_number = ?1 AND is_shown <> 0 ORDER BY position",
      target.number);
  while (logs.next()) {
    target.order.status_logs.push_back(
        {logs.text(0), known(order_status_from_string(logs.text(1)), "status_logs.status"),
         logs.text(2), logs.integer(3), Actor{logs.text(4), logs.text(5)}});
  }
}

std::optional<NumberedOrder> load_order(Connection& connection, std::string_view id,
                                        const OrderScope& scope) {
  // An order that is not in the scope is no row at all.
  static const std::string sql = std::string(order_columns) +
                                 " WHERE orders.id = ?1 AND (?2 = '' OR orders.user_id = ?2) "
                                 "AND (?3 = '' OR orders.organization_id = ?3)";
  return load_order(connection, sql, id, scope.user_id, scope.organization_id);
}

void insert_order(Connection& connection, Order& order) {
  std::int64_t number = 0;
  {
    Query insert = connection.query(
        "INSERT INTO orders (id, user_id, store_id, organization_id, status, payment_status, "
        "payment_method, fulfillment_type, total_minor, delivery_address, razorpay_order_id, "
        "razorpay_payment_id, note, version, created_at, updated_at, nth_of_user, "
        "number_in_organization) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
        "1 + ifnull((SELECT max(nth_of_user) FROM orders WHERE user_id = ?2), 0), "
        "1 + ifnull((SELECT max(number_in_organization) FROM orders WHERE organization_id = ?4), "
        "1000)) RETURNING number, number_in_organization",
        order.id, order.user_id, order.store_id, order.organization_id, to_string(order.status),
        to_string(order.payment_status), to_string(order.payment_method),
        to_string(order.fulfillment_type), order.total_minor, NullIfEmpty{order.delivery_address},
        NullIfEmpty{order.razorpay_order_id}, NullIfEmpty{order.razorpay_payment_id},
        NullIfEmpty{order.note}, static_cast<std::int64_t>(order.version), order.created_at_ms,
        order.updated_at_ms);
    if (!insert.next()) throw StoreError("an order was inserted without a number");
    number = insert.integer(0);
    order.number = insert.integer(1);
    insert.run();  // to its end, where it is checked
  }
  insert_items(connection, number, order);
  for (std::size_t i = 0; i < order.status_logs.size(); ++i) {
    const bool is_last = i + 1 == order.status_logs.size();
    insert_log_row(connection, number, i + 1,
                   is_last ? std::optional(order.payment_status) : std::nullopt,
                   order.status_logs[i], true);
  }
  read_customer_and_store(connection, order);
}

void update_order(Connection& connection, std::int64_t number, const Order& order) {
  connection
      .query(
          "UPDATE orders SET status = ?2, payment_status = ?3, razorpay_payment_id = ?4, "
          "version = ?5, updated_at = ?6, razorpay_order_id = ?7, refund_status = ?8, "
          "estimated_ready_at = ?9 WHERE number = ?1",
          number, to_string(order.status), to_string(order.payment_status),
          NullIfEmpty{order.razorpay_payment_id}, static_cast<std::int64_t>(order.version),
          order.updated_at_ms, NullIfEmpty{order.razorpay_order_id},
          NullIfEmpty{order.refund_status ? to_string(*order.refund_status) : std::string_view()},
          order.estimated_ready_at_ms)
      .run();
}

void insert_log(Connection& connection, std::int64_t order_number, const Order& order,
                const StatusLog& log, bool is_shown) {
  insert_log_row(connection, order_number, order.version, order.payment_status, log, is_shown);
}

void insert_outbox(Connection& connection, const Order& order, bool notify) {
  connection
      .query(
          "INSERT INTO outbox (order_id, owner_id, organization_id, status, version, order_json, "
          "created_at, notify) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
          order.id, order.user_id, order.organization_id, to_string(order.status),
          static_cast<std::int64_t>(order.version), order_json(order), order.updated_at_ms,
          std::int64_t{notify})
      .run();
}

}  // namespace order_server::sqlite
