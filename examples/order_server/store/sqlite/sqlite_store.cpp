// SPDX-License-Identifier: MIT
#include "store/sqlite/sqlite_store.hpp"

#include "domain/order_json.hpp"
#include "store/shared_rules.hpp"
#include "store/sqlite/order_changes.hpp"
#include "workers/fail_point.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>
#include <variant>

namespace order_server {
namespace {

using sqlite::apply_decision;
using sqlite::Connection;
using sqlite::GroupWriter;
using sqlite::insert_order;
using sqlite::insert_outbox;
using sqlite::load_order;
using sqlite::NumberedOrder;
using sqlite::Query;
using sqlite::Transaction;

std::optional<EarlierAnswer> read_answer(Connection& connection, std::string_view user_id,
                                         std::string_view key, std::int64_t now_ms) {
  Query query = connection.query(
      "SELECT digest, answer FROM requests WHERE user_id = ?1 AND key = ?2 AND answered_at > ?3",
      user_id, key, now_ms - request_key_lifetime_ms);
  if (!query.next()) return std::nullopt;
  return EarlierAnswer{query.text(0), query.text(1)};
}

/// Stores that the event has come, and returns whether it is a repeat.
EventResult note_event(Connection& connection, const PaymentEventKey& event, std::int64_t now_ms) {
  EventResult result;
  result.known_order = true;
  // "<id>\n<digest>": a line feed is in no header, so that no id is the start of another.
  const std::string key = event.id + '\n' + event.digest;
  result.id_reused = connection
                         .query(
                             "SELECT 1 FROM payment_events WHERE id > ?1 AND id < ?2 AND id <> ?3 "
                             "LIMIT 1",
                             event.id + '\n', event.id + '\v', key)
                         .next();
  connection
      .query(
          "INSERT INTO payment_events (id, received_at) VALUES (?1, ?2) ON CONFLICT (id) DO "
          "NOTHING",
          key, now_ms)
      .run();
  result.repeated = connection.changes() == 0;
  return result;
}

}  // namespace

std::optional<Order> SqliteStore::find_order(std::string_view id, const OrderScope& scope) {
  const ReaderPool::Lease reader(readers_);
  const Transaction snapshot(*reader, Transaction::Kind::deferred);
  std::optional<NumberedOrder> found = load_order(*reader, id, scope);
  if (!found) return std::nullopt;
  return std::move(found->order);
}

std::vector<OrderVersion> SqliteStore::current_versions(const std::vector<std::string>& ids) {
  require_few(ids);
  std::vector<OrderVersion> versions;
  const ReaderPool::Lease reader(readers_);
  std::optional<Transaction> snapshot;  // One statement is a snapshot by itself.
  if (ids.size() > 1) snapshot.emplace(*reader, Transaction::Kind::deferred);
  for (const std::string& id : ids) {
    Query row = reader->query(
        "SELECT id, version, user_id, organization_id, status FROM orders WHERE id = ?1", id);
    if (row.next()) versions.push_back(rows::order_version(row));
  }
  return versions;
}

Order SqliteStore::create_order(const Order& order) {
  Order complete = complete_new_order(order);
  Write write(*this, durability_);
  insert_order(*write, complete);
  insert_outbox(*write, complete, false);  // the customer who has just placed it knows
  write.commit();
  return complete;
}

CreateResult SqliteStore::create_order_once(const Order& order, const RequestKey& request) {
  Order complete = complete_new_order(order);
  const std::int64_t now_ms = complete.created_at_ms;
  return in_group([&](GroupWriter::Company company) -> CreateResult {
    Write write(*this, durability_, company);
    if (auto earlier = read_answer(*write, request.user_id, request.key, now_ms)) {
      write.commit();
      return {std::nullopt, std::move(earlier)};
    }
    Order created = complete;
    insert_order(*write, created);
    insert_outbox(*write, created, false);
    write
        ->query(
            "INSERT OR REPLACE INTO requests (user_id, key, digest, answer, answered_at) "
            "VALUES (?1, ?2, ?3, ?4, ?5)",
            request.user_id, request.key, request.digest, order_json(created), now_ms)
        .run();
    fail_point("create.decided");
    write.commit();
    fail_point("create.committed");
    return {std::move(created), std::nullopt};
  });
}

std::optional<EarlierAnswer> SqliteStore::find_answer(std::string_view user_id,
                                                      std::string_view key, std::int64_t now_ms) {
  const ReaderPool::Lease reader(readers_);
  return read_answer(*reader, user_id, key, now_ms);
}

ChangeResult SqliteStore::change_order(std::string_view id, const OrderScope& scope,
                                       const std::function<Decision(const Order&)>& decide,
                                       std::int64_t now_ms) {
  return in_group([&](GroupWriter::Company company) -> ChangeResult {
    Write write(*this, durability_, company);
    std::optional<NumberedOrder> found = load_order(*write, id, scope);
    ChangeResult result;
    if (found) result = apply_decision(*write, std::move(*found), decide, now_ms);
    if (result.changed) fail_point("change.decided");
    write.commit();
    if (result.changed) fail_point("change.committed");
    return result;
  });
}

EventResult SqliteStore::apply_payment_event(const PaymentEventKey& event,
                                             std::string_view razorpay_order_id,
                                             const std::function<Decision(const Order&)>& decide,
                                             std::int64_t now_ms) {
  static const std::string sql =
      std::string(sqlite::order_columns) + " WHERE razorpay_order_id = ?1";
  return in_group([&](GroupWriter::Company company) -> EventResult {
    Write write(*this, durability_, company);
    EventResult result;
    if (auto found = load_order(*write, sql, razorpay_order_id)) {
      result = note_event(*write, event, now_ms);
      if (result.repeated) {
        result.change.order = std::move(found->order);
      } else {
        result.change = apply_decision(*write, std::move(*found), decide, now_ms);
      }
    }
    write.commit();
    return result;
  });
}

}  // namespace order_server
