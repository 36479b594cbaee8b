// SPDX-License-Identifier: MIT
#include "store/postgres/order_lists.hpp"

#include "store/order_search.hpp"
#include "store/postgres/orders.hpp"
#include "store/shared_rules.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace order_server::postgres {
namespace {

/// One text for all filters: an unused filter is a condition that its bound value makes true. Each
/// run is planned for its values (see `plan_for_values`).
constexpr std::string_view fits =
    "($1 = '' OR orders.user_id = $1) AND ($2 = '' OR orders.organization_id = $2) "
    "AND (cardinality($3) = 0 OR orders.status = ANY ($3)) "
    "AND ($4 = '' OR orders.payment_status = $4) AND ($5 = '' OR orders.payment_method = $5) "
    "AND ($6 = '' OR orders.fulfillment_type = $6) AND ($7 = '' OR orders.store_id = $7) "
    "AND ($8 = '' OR orders.user_id = $8) "
    "AND ($9 IS NULL OR orders.created_at >= $9) AND ($10 IS NULL OR orders.created_at < $10)";

/// For each word of a search, each of which has to fit, $11 is a pattern of what may stand anywhere
/// and $12 of how an id, or all of a number, is written. A word that is alone is looked up whatever
/// the order's age: $13 is its number, or 0; $14 and $15 the range of ids that begin so, or "". $16
/// is the most that are searched.
const std::string& where() {
  static const std::string sql =
      " FROM orders WHERE " + std::string(fits) +
      " AND (cardinality($11) = 0 OR orders.number IN (SELECT newest.number FROM (SELECT number, "
      "id, user_id, "
      "number_in_organization FROM orders WHERE " +
      std::string(fits) +
      " ORDER BY created_at DESC LIMIT $16) AS newest "
      "LEFT JOIN users ON users.id = newest.user_id "
      "WHERE NOT EXISTS (SELECT 1 FROM unnest($11, $12) AS word(part, start) "
      "WHERE NOT coalesce(newest.id ILIKE word.start "
      "OR users.name ILIKE word.part OR users.email ILIKE word.part OR users.phone ILIKE word.part "
      "OR word.start IN (newest.number_in_organization || '%', "
      "'#' || newest.number_in_organization || '%') "
      "OR EXISTS (SELECT 1 FROM order_items AS i WHERE i.order_number = newest.number "
      "AND i.name ILIKE word.part), false)) "
      "UNION ALL SELECT number FROM orders WHERE $13 > 0 AND organization_id = $2 "
      "AND number_in_organization = $13 "
      "UNION ALL (SELECT number FROM orders WHERE $14 <> '' AND id >= $14 AND id < $15 "
      "LIMIT $16)))";
  return sql;
}

struct Values {
  explicit Values(const OrderFilter& filter) {
    for (const OrderStatus status : filter.statuses) {
      statuses.emplace_back(to_string(status));
    }
    if (filter.payment_status) payment_status = to_string(*filter.payment_status);
    if (filter.payment_method) payment_method = to_string(*filter.payment_method);
    if (filter.fulfillment_type) fulfillment_type = to_string(*filter.fulfillment_type);
    const auto words = words_of(filter.text);
    for (const auto& word : words) {
      starts.push_back(like_literal(word) + "%");
      parts.push_back("%" + starts.back());
    }
    if (words.size() != 1) return;
    const auto& word = words.front();
    number = order_number_in(word).value_or(0);
    if (word.size() < least_id_start) return;
    first_id = lower_case(word);
    // Greater than all ids that begin so: no character of an id is greater than this one.
    behind_id = first_id + "\xF4\x8F\xBF\xBF";
  }

  std::vector<std::string> statuses;
  std::string_view payment_status;
  std::string_view payment_method;
  std::string_view fulfillment_type;
  std::vector<std::string> parts;
  std::vector<std::string> starts;
  std::int64_t number = 0;
  std::string first_id;
  std::string behind_id;
};

template <class... More>
Result run(Connection& connection, const std::string& sql, const OrderFilter& filter,
           const Values& values, const More&... more) {
  return connection.query(sql, filter.user_id, filter.organization_id, values.statuses,
                          values.payment_status, values.payment_method, values.fulfillment_type,
                          filter.store_id, filter.customer_id, filter.created_from_ms,
                          filter.created_before_ms, values.parts, values.starts, values.number,
                          values.first_id, values.behind_id, most_searched, more...);
}

/// A plan for any values would have to expect every filter.
void plan_for_values(Connection& connection) {
  connection.execute("SET LOCAL plan_cache_mode = force_custom_plan");
}

}  // namespace

OrderPage list_orders(Connection& connection, const OrderFilter& filter) {
  plan_for_values(connection);
  const Values values(filter);
  const std::int64_t page_size = sane_page_size(filter.page_size);
  const std::int64_t pages_before = filter.after ? 0 : std::max<std::int64_t>(filter.page, 1) - 1;
  OrderPage page;
  page.total = run(connection, "SELECT count(*)" + where(), filter, values).integer(0, 0);
  // A page behind the last one is empty, however far behind: the offset must not overflow.
  if (pages_before > page.total / page_size) return page;

  const std::string column(column_of(filter.sort));
  const std::string direction = filter.ascending ? " ASC" : " DESC";
  const std::string sql = whole_order() + where() + " AND ($17 = 0 OR (" + column +
                          ", orders.number) " + (filter.ascending ? ">" : "<") +
                          " ($18, $17)) ORDER BY " + column + direction + ", orders.number" +
                          direction + " LIMIT $19 OFFSET $20";
  const OrderCursor after = filter.after.value_or(OrderCursor());
  // One row more than the page tells whether there is another page.
  const Result rows = run(connection, sql, filter, values, after.sequence, after.value,
                          page_size + 1, pages_before * page_size);
  const int count = static_cast<int>(std::min<std::int64_t>(rows.rows(), page_size));
  for (int row = 0; row < count; ++row) {
    auto found = read_whole_order(Row(rows, row));
    if (row + 1 == page_size && rows.rows() > count) {
      page.next = OrderCursor{value_of(filter.sort, found.order), found.number};
    }
    page.orders.push_back(std::move(found.order));
  }
  return page;
}

OrderCounts count_orders(Connection& connection, const OrderFilter& filter) {
  plan_for_values(connection);
  static const std::string sql =
      "SELECT orders.status, count(*)" + where() + " GROUP BY orders.status";
  const Result rows = run(connection, sql, filter, Values(filter));
  OrderCounts counts;
  for (int row = 0; row < rows.rows(); ++row) rows::add_count(Row(rows, row), counts);
  return counts;
}

std::optional<std::vector<HistoryEntry>> order_history(Connection& connection, std::string_view id,
                                                       const OrderScope& scope) {
  // An order has a log from its first version on, so that no row means no order.
  const Result rows = connection.query(
      "SELECT coalesce(l.version, l.position), l.status, l.payment_status, l.note, l.actor_id, "
      "l.actor_role, users.name, l.created_at FROM orders "
      "JOIN status_logs AS l ON l.order_number = orders.number "
      "LEFT JOIN users ON users.id = l.actor_id "
      "WHERE orders.id = $1 AND ($2 = '' OR orders.user_id = $2) "
      "AND ($3 = '' OR orders.organization_id = $3) ORDER BY l.position",
      id, scope.user_id, scope.organization_id);
  if (rows.empty()) return std::nullopt;
  return read_all(rows, rows::history_entry<Row>);
}

}  // namespace order_server::postgres
