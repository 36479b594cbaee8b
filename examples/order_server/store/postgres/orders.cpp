// SPDX-License-Identifier: MIT
#include "store/postgres/orders.hpp"

#include "domain/order_json.hpp"
#include "store/shared_rules.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace order_server::postgres {
namespace {

constexpr std::string_view order_columns =
    "SELECT number, id, user_id, store_id, organization_id, status, payment_status, "
    "payment_method, fulfillment_type, total_minor, delivery_address, razorpay_order_id, "
    "razorpay_payment_id, note, version, created_at, updated_at, number_in_organization, "
    "refund_status, estimated_ready_at";

/// What belongs to an order besides its row (items, logs, customer, shop), as JSON: one statement
/// reads all of it at one moment.
constexpr std::string_view children =
    "(SELECT json_agg(json_build_array(i.id, i.product_id, i.name, i.quantity, "
    "i.unit_price_minor) ORDER BY i.position) FROM order_items AS i "
    "WHERE i.order_number = orders.number), "
    "(SELECT json_agg(json_build_array(l.id, l.status, l.note, l.created_at, l.actor_id, "
    "l.actor_role) ORDER BY l.position) "
    "FROM status_logs AS l WHERE l.order_number = orders.number AND l.is_shown), "
    "(SELECT json_build_array(u.name, u.email, u.phone) FROM users AS u "
    "WHERE u.id = orders.user_id), "
    "(SELECT json_build_array(s.name, s.phone) FROM shops AS s WHERE s.id = orders.store_id)";

/// One order by its id ($1); no row if it is not in the scope.
constexpr std::string_view in_scope =
    " FROM orders WHERE id = $1 AND ($2 = '' OR user_id = $2) "
    "AND ($3 = '' OR organization_id = $3)";

std::string text_or_empty(const nlohmann::json& value) {
  return value.is_null() ? std::string() : value.get<std::string>();
}

void read_children(const Row& row, int column, Order& order) {
  try {
    if (!row.is_null(column)) {
      for (const auto& item : nlohmann::json::parse(row.text(column))) {
        order.items.push_back({item.at(0).get<std::string>(), item.at(1).get<std::string>(),
                               item.at(2).get<std::string>(), item.at(3).get<std::int64_t>(),
                               item.at(4).get<std::int64_t>()});
      }
    }
    if (!row.is_null(column + 1)) {
      for (const auto& log : nlohmann::json::parse(row.text(column + 1))) {
        order.status_logs.push_back(
            {log.at(0).get<std::string>(),
             known(order_status_from_string(log.at(1).get<std::string>()), "status_logs.status"),
             text_or_empty(log.at(2)), log.at(3).get<std::int64_t>(),
             Actor{text_or_empty(log.at(4)), text_or_empty(log.at(5))}});
      }
    }
    if (!row.is_null(column + 2)) {
      const auto user = nlohmann::json::parse(row.text(column + 2));
      order.customer = {text_or_empty(user.at(0)), text_or_empty(user.at(1)),
                        text_or_empty(user.at(2))};
    }
    if (row.is_null(column + 3)) return;
    const auto store = nlohmann::json::parse(row.text(column + 3));
    order.store = {text_or_empty(store.at(0)), text_or_empty(store.at(1))};
  } catch (const nlohmann::json::exception&) {
    throw StoreError("the database answers something else than an order's items and logs");
  }
}

/// Locks an order's row by a statement for `order_columns`, and reads the order. Others may have
/// committed while it waited for the lock, so the rest is read by a second statement.
std::optional<NumberedOrder> load_locked(Connection& connection, const Result& locked) {
  if (locked.empty()) return std::nullopt;
  NumberedOrder found = rows::order(Row(locked, 0));
  static const std::string sql =
      "SELECT " + std::string(children) + " FROM orders WHERE number = $1";
  const Result rest = connection.query(sql, found.number);
  read_children(Row(rest, 0), 0, found.order);
  return found;
}

/// Follows a new row `entry` of the outbox.
constexpr std::string_view for_both_consumers =
    "to_broadcast AS (INSERT INTO broadcasts (sequence) SELECT sequence FROM entry) "
    "INSERT INTO unqueued_pushes (sequence) SELECT sequence FROM entry";

/// Inserts the entry that broadcasts and pushes the order as it is now. `notify`: devices get a
/// push.
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
                const StatusLog& log, std::optional<PaymentStatus> payment_status) {
  connection.query(
      "INSERT INTO status_logs (order_number, position, id, status, note, created_at, version, "
      "payment_status, actor_id, actor_role) VALUES ($1, $2, $3, $4, $5, $6, $2, $7, $8, $9)",
      order_number, static_cast<std::int64_t>(position), log.id, to_string(log.status),
      NullIfEmpty{log.note}, log.created_at_ms,
      NullIfEmpty{payment_status ? to_string(*payment_status) : std::string_view()},
      NullIfEmpty{log.actor.id}, NullIfEmpty{log.actor.role});
}

/// Writes row, log and outbox entry by one statement: the order's row is locked for each round trip
/// to the server.
void write_change(Connection& connection, std::int64_t number, const PlannedChange& plan,
                  bool show_log) {
  const Order& order = plan.next;
  const StatusLog& log = plan.log;
  static const std::string sql =
      "WITH changed AS (UPDATE orders SET status = $2, payment_status = $3, "
      "razorpay_payment_id = $4, version = $5, updated_at = $6, razorpay_order_id = $7, "
      "refund_status = $8, estimated_ready_at = $18 WHERE number = $1), "
      "logged AS (INSERT INTO status_logs (order_number, position, id, status, note, created_at, "
      "version, payment_status, actor_id, actor_role, is_shown) "
      "VALUES ($1, $5, $9, $2, $10, $11, $5, $3, $19, $20, $12)), "
      "entry AS (INSERT INTO outbox (order_id, owner_id, organization_id, status, version, "
      "order_json, created_at, notify) VALUES ($13, $14, $15, $2, $5, $16, $6, $17) "
      "RETURNING sequence), " +
      std::string(for_both_consumers);
  connection.query(
      sql, number, to_string(order.status), to_string(order.payment_status),
      NullIfEmpty{order.razorpay_payment_id}, static_cast<std::int64_t>(order.version),
      order.updated_at_ms, NullIfEmpty{order.razorpay_order_id},
      NullIfEmpty{order.refund_status ? to_string(*order.refund_status) : std::string_view()},
      log.id, NullIfEmpty{log.note}, log.created_at_ms, show_log, order.id, order.user_id,
      order.organization_id, order_json(order), plan.moves, order.estimated_ready_at_ms,
      NullIfEmpty{log.actor.id}, NullIfEmpty{log.actor.role});
}

void insert_refund(Connection& connection, const Order& order, const Change& change) {
  connection.query(
      "INSERT INTO refunds (order_id, payment_id, amount_minor, due_at, created_at) "
      "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (payment_id) DO NOTHING",
      order.id, change.refund_payment_id, order.total_minor,
      order.updated_at_ms + change.refund_rest_ms, order.updated_at_ms);
}

/// Ends the refund of an order that is marked as refunded: none is left to make.
void end_refund(Connection& connection, const Order& order) {
  connection.query(
      "UPDATE refunds SET state = 'DONE', dead_at = NULL, error = NULL "
      "WHERE payment_id = $1 AND state <> 'DONE'",
      order.razorpay_payment_id);
}

}  // namespace

ChangeResult apply_decision(Connection& connection, NumberedOrder found, const Decide& decide,
                            std::int64_t now_ms) {
  const Decision decision = decide(found.order);
  const auto* change = std::get_if<Change>(&decision);
  if (change == nullptr) return unchanged(std::move(found.order), decision);
  PlannedChange plan = plan_change(std::move(found.order), *change, now_ms);
  write_change(connection, found.number, plan, change->write_log);
  if (plan.begins_refund) insert_refund(connection, plan.next, *change);
  if (plan.ends_refund) end_refund(connection, plan.next);
  return {std::move(plan.next), true, change->rejection};
}

const std::string& whole_order() {
  static const std::string sql = std::string(order_columns) + ", " + std::string(children);
  return sql;
}

NumberedOrder read_whole_order(const Row& row) {
  NumberedOrder found = rows::order(row);
  read_children(row, rows::order_columns, found.order);
  return found;
}

std::optional<Order> find_order(Connection& connection, std::string_view id,
                                const OrderScope& scope) {
  static const std::string sql = whole_order() + std::string(in_scope);
  const Result rows = connection.query(sql, id, scope.user_id, scope.organization_id);
  if (rows.empty()) return std::nullopt;
  return read_whole_order(Row(rows, 0)).order;
}

std::vector<OrderVersion> current_versions(Connection& connection,
                                           const std::vector<std::string>& ids) {
  return read_all(
      connection.query(
          "SELECT id, version, user_id, organization_id, status FROM orders WHERE id = ANY ($1)",
          ids),
      rows::order_version<Row>);
}

void insert_order(Connection& connection, Order& order) {
  // The counts of a user and of an organization are rows of their own, so that two orders at once
  // get two numbers.
  const Result made = connection.query(
      "WITH counted AS (INSERT INTO order_counts (user_id, orders) VALUES ($2, 1) "
      "ON CONFLICT (user_id) DO UPDATE SET orders = order_counts.orders + 1 "
      "RETURNING orders), "
      "numbered AS (INSERT INTO organization_counts (organization_id, orders) "
      "VALUES ($4, 1) ON CONFLICT (organization_id) DO UPDATE "
      "SET orders = organization_counts.orders + 1 RETURNING 1000 + orders AS nth) "
      "INSERT INTO orders (id, user_id, store_id, organization_id, status, "
      "payment_status, payment_method, fulfillment_type, total_minor, delivery_address, "
      "razorpay_order_id, razorpay_payment_id, note, version, created_at, updated_at, "
      "nth_of_user, number_in_organization) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, "
      "$10, $11, $12, $13, $14, $15, $16, orders, nth FROM counted, numbered "
      "RETURNING number, number_in_organization",
      order.id, order.user_id, order.store_id, order.organization_id, to_string(order.status),
      to_string(order.payment_status), to_string(order.payment_method),
      to_string(order.fulfillment_type), order.total_minor, NullIfEmpty{order.delivery_address},
      NullIfEmpty{order.razorpay_order_id}, NullIfEmpty{order.razorpay_payment_id},
      NullIfEmpty{order.note}, static_cast<std::int64_t>(order.version), order.created_at_ms,
      order.updated_at_ms);
  const std::int64_t number = made.integer(0, 0);
  order.number = made.integer(0, 1);
  std::int64_t position = 0;
  for (const OrderItem& item : order.items) {
    connection.query(
        "INSERT INTO order_items (order_number, position, id, product_id, name, quantity, "
        "unit_price_minor) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        number, ++position, item.id, item.product_id, item.name, item.quantity,
        item.unit_price_minor);
  }
  for (std::size_t i = 0; i < order.status_logs.size(); ++i) {
    const bool is_last = i + 1 == order.status_logs.size();
    insert_log(connection, number, i + 1, order.status_logs[i],
               is_last ? std::optional(order.payment_status) : std::nullopt);
  }
  const Result cards = connection.query(
      "SELECT u.name, u.email, u.phone, s.name, s.phone FROM shops AS s "
      "LEFT JOIN users AS u ON u.id = $1 WHERE s.id = $2",
      order.user_id, order.store_id);
  if (cards.empty()) return;
  order.customer = {cards.text(0, 0), cards.text(0, 1), cards.text(0, 2)};
  order.store = {cards.text(0, 3), cards.text(0, 4)};
}

void create_order(Connection& connection, Order& order) {
  insert_order(connection, order);
  insert_outbox(connection, order, false);  // the customer who has just placed it knows
}

bool create_order_once(Connection& connection, Order& order, const RequestKey& request) {
  // The first request writes the key; its twin waits here for the first one's commit.
  const std::int64_t now_ms = order.created_at_ms;
  const Result taken = connection.query(
      "INSERT INTO requests (user_id, key, digest, answer, answered_at) "
      "VALUES ($1, $2, $3, '', $4) ON CONFLICT (user_id, key) DO UPDATE "
      "SET digest = excluded.digest, answered_at = excluded.answered_at "
      "WHERE requests.answered_at <= $5 RETURNING 1",
      request.user_id, request.key, request.digest, now_ms, now_ms - request_key_lifetime_ms);
  if (taken.empty()) return false;
  create_order(connection, order);
  connection.query("UPDATE requests SET answer = $3 WHERE user_id = $1 AND key = $2",
                   request.user_id, request.key, order_json(order));
  return true;
}

std::optional<EarlierAnswer> find_answer(Connection& connection, std::string_view user_id,
                                         std::string_view key, std::int64_t now_ms) {
  const Result rows = connection.query(
      "SELECT digest, answer FROM requests WHERE user_id = $1 AND key = $2 AND answered_at > $3",
      user_id, key, now_ms - request_key_lifetime_ms);
  if (rows.empty()) return std::nullopt;
  return EarlierAnswer{rows.text(0, 0), rows.text(0, 1)};
}

std::optional<NumberedOrder> load_order_locked(Connection& connection, std::string_view id,
                                               const OrderScope& scope) {
  static const std::string sql =
      std::string(order_columns) + std::string(in_scope) + " FOR NO KEY UPDATE";
  return load_locked(connection, connection.query(sql, id, scope.user_id, scope.organization_id));
}

ChangeResult change_order(Connection& connection, std::string_view id, const OrderScope& scope,
                          const Decide& decide, std::int64_t now_ms) {
  auto found = load_order_locked(connection, id, scope);
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
