// SPDX-License-Identifier: MIT
#include "store/postgres/orders.hpp"

#include "domain/order_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace order_server::postgres {
namespace {

/// A name that the table's CHECK lets in but this program does not know is a later program's.
template <class Enum>
Enum known(std::optional<Enum> value, const char* column) {
  if (!value) throw StoreError(std::string("unknown value in the database's column ") + column);
  return *value;
}

/// An order and the number that its rows in other tables carry.
struct NumberedOrder {
  std::int64_t number = 0;
  Order order;
};

constexpr std::string_view order_columns =
    "SELECT number, id, user_id, store_id, organization_id, status, payment_status, "
    "payment_method, fulfillment_type, total_minor, delivery_address, razorpay_order_id, "
    "razorpay_payment_id, note, version, created_at, updated_at";

/// Of the row `orders`, as JSON, so that one statement reads an order whole and of one moment.
constexpr std::string_view children =
    "(SELECT json_agg(json_build_array(i.id, i.product_id, i.name, i.quantity, "
    "i.unit_price_minor) ORDER BY i.position) FROM order_items AS i "
    "WHERE i.order_number = orders.number), "
    "(SELECT json_agg(json_build_array(l.id, l.status, l.note, l.created_at) ORDER BY l.position) "
    "FROM status_logs AS l WHERE l.order_number = orders.number)";
constexpr int first_child_column = 17;

/// One order by its id ($1), if it is in the scope. An order that is not is no row at all.
constexpr std::string_view in_scope =
    " FROM orders WHERE id = $1 AND ($2 = '' OR user_id = $2) "
    "AND ($3 = '' OR organization_id = $3)";

NumberedOrder read_order_row(const Result& rows, int row) {
  NumberedOrder result;
  result.number = rows.integer(row, 0);
  Order& order = result.order;
  order.id = rows.text(row, 1);
  order.user_id = rows.text(row, 2);
  order.store_id = rows.text(row, 3);
  order.organization_id = rows.text(row, 4);
  order.status = known(order_status_from_string(rows.text(row, 5)), "orders.status");
  order.payment_status =
      known(payment_status_from_string(rows.text(row, 6)), "orders.payment_status");
  order.payment_method =
      known(payment_method_from_string(rows.text(row, 7)), "orders.payment_method");
  order.fulfillment_type =
      known(fulfillment_type_from_string(rows.text(row, 8)), "orders.fulfillment_type");
  order.total_minor = rows.integer(row, 9);
  order.delivery_address = rows.text(row, 10);
  order.razorpay_order_id = rows.text(row, 11);
  order.razorpay_payment_id = rows.text(row, 12);
  order.note = rows.text(row, 13);
  order.version = static_cast<std::uint64_t>(rows.integer(row, 14));
  order.created_at_ms = rows.integer(row, 15);
  order.updated_at_ms = rows.integer(row, 16);
  return result;
}

std::string text_or_empty(const nlohmann::json& value) {
  return value.is_null() ? std::string() : value.get<std::string>();
}

void read_children(const Result& rows, int row, int column, Order& order) {
  try {
    if (!rows.is_null(row, column)) {
      for (const auto& item : nlohmann::json::parse(rows.text(row, column))) {
        order.items.push_back({item.at(0).get<std::string>(), item.at(1).get<std::string>(),
                               item.at(2).get<std::string>(), item.at(3).get<std::int64_t>(),
                               item.at(4).get<std::int64_t>()});
      }
    }
    if (rows.is_null(row, column + 1)) return;
    for (const auto& log : nlohmann::json::parse(rows.text(row, column + 1))) {
      order.status_logs.push_back(
          {log.at(0).get<std::string>(),
           known(order_status_from_string(log.at(1).get<std::string>()), "status_logs.status"),
           text_or_empty(log.at(2)), log.at(3).get<std::int64_t>()});
    }
  } catch (const nlohmann::json::exception&) {
    throw StoreError("the database answers something else than an order's items and logs");
  }
}

/// The order of a statement for `order_columns` that locks its row, whole. The lock may have been
/// waited for, so the rest is read by a statement of its own, which sees what was committed
/// meanwhile.
std::optional<NumberedOrder> load_locked(Connection& connection, const Result& rows) {
  if (rows.empty()) return std::nullopt;
  NumberedOrder found = read_order_row(rows, 0);
  static const std::string sql =
      "SELECT " + std::string(children) + " FROM orders WHERE number = $1";
  read_children(connection.query(sql, found.number), 0, 0, found.order);
  return found;
}

/// After a new row `entry` of the outbox.
constexpr std::string_view for_both_consumers =
    "to_broadcast AS (INSERT INTO broadcasts (sequence) SELECT sequence FROM entry) "
    "INSERT INTO unqueued_pushes (sequence) SELECT sequence FROM entry";

/// The entry that drives broadcast and push of the order as it is now. `notify`: devices hear of
/// it.
void insert_outbox(Connection& connection, const Order& order, bool notify) {
  static const std::string sql =
      "WITH entry AS (INSERT INTO outbox (order_id, owner_id, organization_id, status, version, "
      "order_json, created_at, notify) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
      "RETURNING sequence), " +
      std::string(for_both_consumers);
  connection.query(sql, order.id, order.user_id, order.organization_id, to_string(order.status),
                   static_cast<std::int64_t>(order.version), order_json(order), order.updated_at_ms,
                   notify);
}

void insert_log(Connection& connection, std::int64_t order_number, std::size_t position,
                const StatusLog& log) {
  connection.query(
      "INSERT INTO status_logs (order_number, position, id, status, note, created_at) "
      "VALUES ($1, $2, $3, $4, $5, $6)",
      order_number, static_cast<std::int64_t>(position), log.id, to_string(log.status),
      NullIfEmpty{log.note}, log.created_at_ms);
}

/// Row, log and outbox entry by one statement: each way to the server is time in which the order's
/// row is locked.
void write_change(Connection& connection, std::int64_t number, const Order& order,
                  const Change& change, bool notify) {
  static const StatusLog no_log;
  const StatusLog& log = change.write_log ? order.status_logs.back() : no_log;
  static const std::string sql =
      "WITH changed AS (UPDATE orders SET status = $2, payment_status = $3, "
      "razorpay_payment_id = $4, version = $5, updated_at = $6, razorpay_order_id = $7 "
      "WHERE number = $1), "
      "logged AS (INSERT INTO status_logs (order_number, position, id, status, note, created_at) "
      "SELECT $1, $8, $9, $2, $10, $11 WHERE $12), "
      "entry AS (INSERT INTO outbox (order_id, owner_id, organization_id, status, version, "
      "order_json, created_at, notify) VALUES ($13, $14, $15, $2, $5, $16, $6, $17) "
      "RETURNING sequence), " +
      std::string(for_both_consumers);
  connection.query(sql, number, to_string(order.status), to_string(order.payment_status),
                   NullIfEmpty{order.razorpay_payment_id}, static_cast<std::int64_t>(order.version),
                   order.updated_at_ms, NullIfEmpty{order.razorpay_order_id},
                   static_cast<std::int64_t>(order.status_logs.size()), log.id,
                   NullIfEmpty{log.note}, log.created_at_ms, change.write_log, order.id,
                   order.user_id, order.organization_id, order_json(order), notify);
}

/// Asks `decide` and writes what it wants, all within the caller's transaction.
ChangeResult apply_decision(Connection& connection, NumberedOrder found, const Decide& decide,
                            std::int64_t now_ms) {
  const Decision decision = decide(found.order);
  const auto* change = std::get_if<Change>(&decision);
  if (change == nullptr) {
    const auto* rejection = std::get_if<Rejection>(&decision);
    return {std::move(found.order), false,
            rejection != nullptr ? std::optional(*rejection) : std::nullopt};
  }
  const OrderStatus before = found.order.status;
  Order next = apply_change(std::move(found.order), *change, now_ms);
  write_change(connection, found.number, next, *change, next.status != before);
  return {std::move(next), true, change->rejection};
}

}  // namespace

std::optional<Order> find_order(Connection& connection, std::string_view id,
                                const OrderScope& scope) {
  static const std::string sql =
      std::string(order_columns) + ", " + std::string(children) + std::string(in_scope);
  const Result rows = connection.query(sql, id, scope.user_id, scope.organization_id);
  if (rows.empty()) return std::nullopt;
  NumberedOrder found = read_order_row(rows, 0);
  read_children(rows, 0, first_child_column, found.order);
  return std::move(found.order);
}

std::optional<OrderOwner> find_owner(Connection& connection, std::string_view id) {
  const Result rows =
      connection.query("SELECT user_id, organization_id FROM orders WHERE id = $1", id);
  if (rows.empty()) return std::nullopt;
  return OrderOwner{rows.text(0, 0), rows.text(0, 1)};
}

std::vector<OrderVersion> current_versions(Connection& connection,
                                           const std::vector<std::string>& ids) {
  const Result rows = connection.query(
      "SELECT id, version, user_id, organization_id, status FROM orders WHERE id = ANY ($1)", ids);
  std::vector<OrderVersion> versions;
  versions.reserve(static_cast<std::size_t>(rows.rows()));
  for (int row = 0; row < rows.rows(); ++row) {
    versions.push_back({rows.text(row, 0), static_cast<std::uint64_t>(rows.integer(row, 1)),
                        rows.text(row, 2), rows.text(row, 3), rows.text(row, 4)});
  }
  return versions;
}

OrderPage list_orders(Connection& connection, const OrderFilter& filter) {
  // Eight texts at most, so that each is prepared and planned for its own indexes. What is not
  // filtered by is still bound, and compared with itself.
  std::string where = " FROM orders WHERE ";
  where += filter.user_id.empty() ? "$1 = $1" : "user_id = $1";
  where += filter.organization_id.empty() ? " AND $2 = $2" : " AND organization_id = $2";
  where += filter.status ? " AND status = $3" : " AND $3 = $3";
  const auto status = filter.status ? to_string(*filter.status) : std::string_view();

  const std::int64_t page_size = std::max<std::int64_t>(filter.page_size, 1);
  const std::int64_t pages_before = std::max<std::int64_t>(filter.page, 1) - 1;
  OrderPage page;
  page.total =
      connection.query("SELECT count(*)" + where, filter.user_id, filter.organization_id, status)
          .integer(0, 0);
  // A page behind the last one is empty, however far behind: the offset must not overflow.
  if (pages_before > page.total / page_size) return page;

  const Result rows = connection.query(
      std::string(order_columns) + ", " + std::string(children) + where +
          " ORDER BY created_at DESC, number DESC LIMIT $4 OFFSET $5",
      filter.user_id, filter.organization_id, status, page_size, pages_before * page_size);
  for (int row = 0; row < rows.rows(); ++row) {
    NumberedOrder found = read_order_row(rows, row);
    read_children(rows, row, first_child_column, found.order);
    page.orders.push_back(std::move(found.order));
  }
  return page;
}

void insert_order(Connection& connection, const Order& order) {
  // The user's count is a row of its own, so that two orders at once of one user get two numbers.
  const std::int64_t number =
      connection
          .query(
              "WITH counted AS (INSERT INTO order_counts (user_id, orders) VALUES ($2, 1) "
              "ON CONFLICT (user_id) DO UPDATE SET orders = order_counts.orders + 1 "
              "RETURNING orders) "
              "INSERT INTO orders (id, user_id, store_id, organization_id, status, "
              "payment_status, payment_method, fulfillment_type, total_minor, delivery_address, "
              "razorpay_order_id, razorpay_payment_id, note, version, created_at, updated_at, "
              "nth_of_user) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
              "$15, $16, orders FROM counted RETURNING number",
              order.id, order.user_id, order.store_id, order.organization_id,
              to_string(order.status), to_string(order.payment_status),
              to_string(order.payment_method), to_string(order.fulfillment_type), order.total_minor,
              NullIfEmpty{order.delivery_address}, NullIfEmpty{order.razorpay_order_id},
              NullIfEmpty{order.razorpay_payment_id}, NullIfEmpty{order.note},
              static_cast<std::int64_t>(order.version), order.created_at_ms, order.updated_at_ms)
          .integer(0, 0);
  std::int64_t position = 0;
  for (const OrderItem& item : order.items) {
    connection.query(
        "INSERT INTO order_items (order_number, position, id, product_id, name, quantity, "
        "unit_price_minor) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        number, ++position, item.id, item.product_id, item.name, item.quantity,
        item.unit_price_minor);
  }
  for (std::size_t i = 0; i < order.status_logs.size(); ++i) {
    insert_log(connection, number, i + 1, order.status_logs[i]);
  }
}

void create_order(Connection& connection, const Order& order) {
  insert_order(connection, order);
  insert_outbox(connection, order, false);  // the customer who has just placed it knows
}

ChangeResult change_order(Connection& connection, std::string_view id, const OrderScope& scope,
                          const Decide& decide, std::int64_t now_ms) {
  static const std::string sql =
      std::string(order_columns) + std::string(in_scope) + " FOR NO KEY UPDATE";
  auto found =
      load_locked(connection, connection.query(sql, id, scope.user_id, scope.organization_id));
  if (!found) return {};
  return apply_decision(connection, std::move(*found), decide, now_ms);
}

EventResult apply_payment_event(Connection& connection, const PaymentEventKey& event,
                                std::string_view razorpay_order_id, const Decide& decide,
                                std::int64_t now_ms) {
  static const std::string sql =
      std::string(order_columns) + " FROM orders WHERE razorpay_order_id = $1 FOR NO KEY UPDATE";
  EventResult result;
  auto found = load_locked(connection, connection.query(sql, razorpay_order_id));
  if (!found) return result;
  result.known_order = true;
  const Result keys = connection.query(
      "WITH remembered AS (INSERT INTO payment_events (id, digest, received_at) "
      "VALUES ($1, $2, $3) ON CONFLICT (id, digest) DO NOTHING RETURNING 1) "
      "SELECT (SELECT count(*) FROM remembered), "
      "(SELECT count(*) FROM payment_events WHERE id = $1 AND digest <> $2)",
      Bytes{event.id}, Bytes{event.digest}, now_ms);
  result.repeated = keys.integer(0, 0) == 0;
  result.id_reused = keys.integer(0, 1) != 0;
  if (result.repeated) {
    result.change.order = std::move(found->order);
    return result;
  }
  result.change = apply_decision(connection, std::move(*found), decide, now_ms);
  return result;
}

}  // namespace order_server::postgres
