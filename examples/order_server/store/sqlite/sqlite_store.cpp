// SPDX-License-Identifier: MIT
#include "store/sqlite/sqlite_store.hpp"

#include "domain/order_json.hpp"
#include "store/shared_rules.hpp"
#include "store/sqlite/rows.hpp"
#include "workers/fail_point.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>
#include <variant>

namespace order_server {
namespace {

using sqlite::Access;
using sqlite::Connection;
using sqlite::insert_log;
using sqlite::insert_order;
using sqlite::known;
using sqlite::NullIfEmpty;
using sqlite::Query;
using sqlite::Transaction;

/// An order and the number that its rows in other tables carry.
struct NumberedOrder {
  std::int64_t number = 0;
  Order order;
};

constexpr std::string_view order_columns =
    "SELECT number, id, user_id, store_id, organization_id, status, payment_status, "
    "payment_method, fulfillment_type, total_minor, delivery_address, razorpay_order_id, "
    "razorpay_payment_id, note, version, created_at, updated_at FROM orders";

NumberedOrder read_order_row(const Query& row) {
  NumberedOrder result;
  result.number = row.integer(0);
  Order& order = result.order;
  order.id = row.text(1);
  order.user_id = row.text(2);
  order.store_id = row.text(3);
  order.organization_id = row.text(4);
  order.status = known(order_status_from_string(row.text(5)), "orders.status");
  order.payment_status = known(payment_status_from_string(row.text(6)), "orders.payment_status");
  order.payment_method = known(payment_method_from_string(row.text(7)), "orders.payment_method");
  order.fulfillment_type =
      known(fulfillment_type_from_string(row.text(8)), "orders.fulfillment_type");
  order.total_minor = row.integer(9);
  order.delivery_address = row.text(10);
  order.razorpay_order_id = row.text(11);
  order.razorpay_payment_id = row.text(12);
  order.note = row.text(13);
  order.version = static_cast<std::uint64_t>(row.integer(14));
  order.created_at_ms = row.integer(15);
  order.updated_at_ms = row.integer(16);
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
      "SELECT id, status, note, created_at FROM status_logs "
      "WHERE order_number = ?1 ORDER BY position",
      target.number);
  while (logs.next()) {
    target.order.status_logs.push_back(
        {logs.text(0), known(order_status_from_string(logs.text(1)), "status_logs.status"),
         logs.text(2), logs.integer(3)});
  }
}

/// One order by its id, if it is in the scope. An order that is not is no row at all.
const std::string& order_in_scope() {
  static const std::string sql =
      std::string(order_columns) +
      " WHERE id = ?1 AND (?2 = '' OR user_id = ?2) AND (?3 = '' OR organization_id = ?3)";
  return sql;
}

/// The order of a query for `order_columns`, whole. Call it within a transaction, so that row,
/// items and logs are of one moment.
template <class... Keys>
std::optional<NumberedOrder> load_order(Connection& connection, const std::string& sql,
                                        const Keys&... keys) {
  std::optional<NumberedOrder> result;
  {
    Query query = connection.query(sql, keys...);
    if (query.next()) result = read_order_row(query);
  }
  if (result) read_items_and_logs(connection, *result);
  return result;
}

std::optional<NumberedOrder> load_order(Connection& connection, std::string_view id,
                                        const OrderScope& scope) {
  return load_order(connection, order_in_scope(), id, scope.user_id, scope.organization_id);
}

/// The entry that drives broadcast and push of the order as it is now. `notify`: devices hear of
/// it.
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

void update_order(Connection& connection, std::int64_t number, const Order& order) {
  connection
      .query(
          "UPDATE orders SET status = ?2, payment_status = ?3, razorpay_payment_id = ?4, "
          "version = ?5, updated_at = ?6, razorpay_order_id = ?7 WHERE number = ?1",
          number, to_string(order.status), to_string(order.payment_status),
          NullIfEmpty{order.razorpay_payment_id}, static_cast<std::int64_t>(order.version),
          order.updated_at_ms, NullIfEmpty{order.razorpay_order_id})
      .run();
}

/// Asks `decide` and writes what it wants, all within the caller's transaction.
ChangeResult apply_decision(Connection& connection, NumberedOrder found,
                            const std::function<Decision(const Order&)>& decide,
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
  update_order(connection, found.number, next);
  if (change->write_log) {
    insert_log(connection, found.number, next.status_logs.size(), next.status_logs.back());
  }
  insert_outbox(connection, next, next.status != before);
  return {std::move(next), true, change->rejection};
}

}  // namespace

std::optional<Order> SqliteStore::find_order(std::string_view id, const OrderScope& scope) {
  const ReaderPool::Lease reader(readers_);
  const Transaction snapshot(*reader, Transaction::Kind::deferred);
  std::optional<NumberedOrder> found = load_order(*reader, id, scope);
  if (!found) return std::nullopt;
  return std::move(found->order);
}

std::optional<OrderOwner> SqliteStore::find_owner(std::string_view id) {
  const ReaderPool::Lease reader(readers_);
  Query query = reader->query("SELECT user_id, organization_id FROM orders WHERE id = ?1", id);
  if (!query.next()) return std::nullopt;
  return OrderOwner{query.text(0), query.text(1)};
}

OrderPage SqliteStore::list_orders(const OrderFilter& filter) {
  std::string where;
  std::vector<std::string_view> values;
  const auto require = [&](std::string_view column, std::string_view value) {
    where += values.empty() ? " WHERE " : " AND ";
    where.append(column).append(" = ?");
    values.push_back(value);
  };
  if (!filter.user_id.empty()) require("user_id", filter.user_id);
  if (!filter.organization_id.empty()) require("organization_id", filter.organization_id);
  if (filter.status) {
    // A user has few orders and a status has many. The plus keeps SQLite from starting with the
    // status's index.
    require(filter.user_id.empty() ? "status" : "+status", to_string(*filter.status));
  }

  const std::int64_t page_size = std::max<std::int64_t>(filter.page_size, 1);
  const std::int64_t pages_before = std::max<std::int64_t>(filter.page, 1) - 1;
  OrderPage page;
  const ReaderPool::Lease reader(readers_);
  const Transaction snapshot(*reader, Transaction::Kind::deferred);
  const auto bind_filter = [&values](Query& query) {
    int index = 0;
    for (const std::string_view value : values) query.bind(++index, value);
    return index;
  };
  {
    Query count = reader->query("SELECT count(*) FROM orders" + where);
    bind_filter(count);
    if (count.next()) page.total = count.integer(0);
  }
  // A page behind the last one is empty, however far behind: the offset must not overflow.
  if (pages_before > page.total / page_size) return page;

  std::vector<NumberedOrder> found;
  {
    Query rows = reader->query(std::string(order_columns) + where +
                               " ORDER BY created_at DESC, number DESC LIMIT ? OFFSET ?");
    int index = bind_filter(rows);
    rows.bind(++index, page_size);
    rows.bind(++index, pages_before * page_size);
    while (rows.next()) found.push_back(read_order_row(rows));
  }
  for (NumberedOrder& each : found) {
    read_items_and_logs(*reader, each);
    page.orders.push_back(std::move(each.order));
  }
  return page;
}

std::vector<OrderVersion> SqliteStore::current_versions(const std::vector<std::string>& ids) {
  require_few(ids);
  std::vector<OrderVersion> versions;
  const ReaderPool::Lease reader(readers_);
  const Transaction snapshot(*reader, Transaction::Kind::deferred);
  for (const std::string& id : ids) {
    Query row = reader->query(
        "SELECT version, user_id, organization_id, status FROM orders WHERE id = ?1", id);
    if (!row.next()) continue;
    versions.push_back(
        {id, static_cast<std::uint64_t>(row.integer(0)), row.text(1), row.text(2), row.text(3)});
  }
  return versions;
}

void SqliteStore::create_order(const Order& order) {
  const Order complete = complete_new_order(order);
  Write write(*this, durability_);
  insert_order(*write, complete);
  insert_outbox(*write, complete, false);  // the customer who has just placed it knows
  write.commit();
}

ChangeResult SqliteStore::change_order(std::string_view id, const OrderScope& scope,
                                       const std::function<Decision(const Order&)>& decide,
                                       std::int64_t now_ms) {
  Write write(*this, durability_);
  std::optional<NumberedOrder> found = load_order(*write, id, scope);
  if (!found) return {};
  ChangeResult result = apply_decision(*write, std::move(*found), decide, now_ms);
  if (!result.changed) return result;
  fail_point("change.decided");
  write.commit();
  fail_point("change.committed");
  return result;
}

EventResult SqliteStore::apply_payment_event(const PaymentEventKey& event,
                                             std::string_view razorpay_order_id,
                                             const std::function<Decision(const Order&)>& decide,
                                             std::int64_t now_ms) {
  static const std::string sql = std::string(order_columns) + " WHERE razorpay_order_id = ?1";
  Write write(*this, durability_);
  EventResult result;
  std::optional<NumberedOrder> found = load_order(*write, sql, razorpay_order_id);
  if (!found) return result;
  result.known_order = true;
  // "<id>\n<digest>": a line feed is in no header, so that no id is the start of another.
  const std::string key = event.id + '\n' + event.digest;
  result.id_reused = write
                         ->query(
                             "SELECT 1 FROM payment_events WHERE id > ?1 AND id < ?2 AND id <> ?3 "
                             "LIMIT 1",
                             event.id + '\n', event.id + '\v', key)
                         .next();
  write
      ->query(
          "INSERT INTO payment_events (id, received_at) VALUES (?1, ?2) ON CONFLICT (id) DO "
          "NOTHING",
          key, now_ms)
      .run();
  result.repeated = write->changes() == 0;
  if (result.repeated) {
    result.change.order = std::move(found->order);
    return result;
  }
  result.change = apply_decision(*write, std::move(*found), decide, now_ms);
  write.commit();
  return result;
}

}  // namespace order_server
