// SPDX-License-Identifier: MIT
#include "store/sqlite/order_lists.hpp"

#include "domain/transitions.hpp"
#include "store/order_search.hpp"
#include "store/shared_rules.hpp"
#include "store/sqlite/order_rows.hpp"
#include "store/sqlite/rows.hpp"
#include "store/sqlite/sqlite_store.hpp"

#include <algorithm>
#include <utility>
#include <variant>

/// Lists of orders: pages, counts, and one order's history. SQL is put together from fixed pieces;
/// values of the caller are bound.
namespace order_server {
namespace {

using sqlite::known;
using sqlite::NumberedOrder;
using sqlite::Query;
using sqlite::Transaction;

/// A condition and its values. Values have numbers, so that a piece may stand there twice.
class Conditions {
 public:
  explicit Conditions(const OrderFilter& filter) {
    // The one that leaves the fewest orders leads to the index. A plus keeps SQLite from taking
    // another: a user has few orders, an organization or a status has many.
    const bool by_user = !filter.user_id.empty() || !filter.customer_id.empty();
    const bool by_store = !by_user && filter.statuses.empty() && !filter.store_id.empty();
    const auto column = [&](std::string_view name, bool leads) {
      return (leads ? "orders." : "+orders.") + std::string(name);
    };
    if (!filter.user_id.empty()) equals("orders.user_id", filter.user_id);
    if (!filter.customer_id.empty()) equals("orders.user_id", filter.customer_id);
    if (!filter.organization_id.empty()) {
      equals(column("organization_id", !by_user && !by_store), filter.organization_id);
    }
    if (!filter.store_id.empty()) equals(column("store_id", by_store), filter.store_id);
    if (!filter.statuses.empty()) one_of(column("status", !by_user), filter.statuses);
    if (filter.payment_status) equals("orders.payment_status", to_string(*filter.payment_status));
    if (filter.payment_method) equals("orders.payment_method", to_string(*filter.payment_method));
    if (filter.fulfillment_type) {
      equals("orders.fulfillment_type", to_string(*filter.fulfillment_type));
    }
    if (filter.created_from_ms) add("orders.created_at >= " + bound(*filter.created_from_ms));
    if (filter.created_before_ms) add("orders.created_at < " + bound(*filter.created_before_ms));
    if (!filter.text.empty()) search(filter);
  }

  /// Only what comes after the cursor in the list's sort.
  void go_on_after(const OrderFilter& filter) {
    if (!filter.after) return;
    add("(" + std::string(column_of(filter.sort)) + ", orders.number) " +
        (filter.ascending ? "> (" : "< (") + bound(filter.after->value) + ", " +
        bound(filter.after->sequence) + ")");
  }

  [[nodiscard]] std::string where() const { return sql_.empty() ? "" : " WHERE " + sql_; }

  /// The name of a value that is bound with the others.
  template <class Value>
  std::string bound(Value&& value) {
    values_.emplace_back(std::forward<Value>(value));
    return "?" + std::to_string(values_.size());
  }

  void bind_to(Query& query) const {
    int index = 0;
    for (const auto& value : values_) {
      ++index;
      std::visit([&](const auto& held) { query.bind(index, held); }, value);
    }
  }

 private:
  void add(const std::string& condition) { sql_ += (sql_.empty() ? "" : " AND ") + condition; }

  void equals(const std::string& column, std::string_view value) {
    add(column + " = " + bound(std::string(value)));
  }

  void one_of(const std::string& column, const std::vector<OrderStatus>& statuses) {
    std::string list;
    for (const OrderStatus status : statuses) {
      if (!list.empty()) list += ", ";
      list += bound(std::string(to_string(status)));
    }
    add(column + " IN (" + list + ")");
  }

  /// Whether `word` is in one of the newest orders.
  std::string word_fits(const std::string& word) {
    const auto part = bound("%" + like_literal(word) + "%");
    const auto start = bound(like_literal(word) + "%");
    const auto like = [](const char* column, const std::string& pattern) {
      return std::string(column) + " LIKE " + pattern + " ESCAPE '\\'";
    };
    std::string fits = like("newest.id", start);
    for (const char* column : {"users.name", "users.email", "users.phone"}) {
      fits += " OR " + like(column, part);
    }
    fits += " OR EXISTS (SELECT 1 FROM order_items WHERE order_number = newest.number AND " +
            like("order_items.name", part) + ")";
    if (const auto number = order_number_in(word)) {
      fits += " OR newest.number_in_organization = " + bound(*number);
    }
    return "(" + fits + ")";
  }

  /// Finds by number or id, however old the order is.
  std::string found_otherwise(const OrderFilter& filter, const std::string& word) {
    std::string found;
    const auto number = order_number_in(word);
    if (number && !filter.organization_id.empty()) {
      found += " UNION ALL SELECT number FROM orders WHERE organization_id = " +
               bound(filter.organization_id) + " AND number_in_organization = " + bound(*number);
    }
    if (word.size() >= least_id_start) {
      auto first = lower_case(word);
      auto behind = first;
      ++behind.back();  // an id is ASCII, so that this is the next start
      found += " UNION ALL SELECT number FROM (SELECT number FROM orders WHERE id >= " +
               bound(std::move(first)) + " AND id < " + bound(std::move(behind)) + " LIMIT " +
               bound(most_searched) + ")";
    }
    return found;
  }

  void search(const OrderFilter& filter) {
    const auto words = words_of(filter.text);
    if (words.empty()) return;
    std::string fits;
    for (const auto& word : words) fits += (fits.empty() ? "" : " AND ") + word_fits(word);
    const auto otherwise = words.size() == 1 ? found_otherwise(filter, words.front()) : "";
    add("orders.number IN (SELECT newest.number FROM (SELECT number, id, user_id, "
        "number_in_organization FROM orders" +
        where() + " ORDER BY created_at DESC LIMIT " + bound(most_searched) +
        ") AS newest LEFT JOIN users ON users.id = newest.user_id WHERE " + fits + otherwise + ")");
  }

  std::string sql_;
  std::vector<std::variant<std::int64_t, std::string>> values_;
};

/// Whether the list is one of those that are on screens all day. Those have few statements, which
/// are kept prepared.
bool is_usual(const OrderFilter& filter) {
  return filter.statuses.size() <= 1 && !filter.payment_status && !filter.payment_method &&
         !filter.fulfillment_type && filter.store_id.empty() && filter.customer_id.empty() &&
         !filter.created_from_ms && !filter.created_before_ms && filter.text.empty() &&
         filter.sort == OrderSort::created_at && !filter.ascending;
}

Query run(sqlite::Connection& connection, const OrderFilter& filter, const std::string& sql,
          const Conditions& conditions) {
  Query query = is_usual(filter) ? connection.query(sql) : connection.query_once(sql);
  conditions.bind_to(query);
  return query;
}

std::int64_t size_of_page(const OrderFilter& filter) noexcept {
  return sane_page_size(filter.page_size);
}

std::int64_t pages_before(const OrderFilter& filter) noexcept {
  return filter.after ? 0 : std::max<std::int64_t>(filter.page, 1) - 1;
}

/// Whether the orders of these statuses are few: those that are still worked on. SQLite would walk
/// along the time of creation through all that is done, to spare itself the sorting.
bool are_few(const OrderFilter& filter) {
  const auto& statuses = filter.statuses;
  return statuses.size() > 1 && filter.user_id.empty() && filter.customer_id.empty() &&
         std::none_of(statuses.begin(), statuses.end(), &is_final);
}

/// Adds the page's own values to the filter's conditions.
std::string page_sql(const OrderFilter& filter, Conditions& conditions) {
  conditions.go_on_after(filter);
  const std::string direction = filter.ascending ? " ASC" : " DESC";
  std::string sql = std::string(sqlite::order_columns) + conditions.where() +
                    (are_few(filter) ? " ORDER BY +" : " ORDER BY ") +
                    std::string(column_of(filter.sort)) + direction + ", orders.number" + direction;
  // One row more than the page tells whether there is another page.
  sql += " LIMIT " + conditions.bound(size_of_page(filter) + 1);
  sql += " OFFSET " + conditions.bound(pages_before(filter) * size_of_page(filter));
  return sql;
}

}  // namespace

std::string sqlite::order_page_sql(const OrderFilter& filter) {
  Conditions conditions(filter);
  return page_sql(filter, conditions);
}

OrderPage SqliteStore::list_orders(const OrderFilter& filter) {
  OrderPage page;
  Conditions conditions(filter);
  const ReaderPool::Lease reader(readers_);
  const Transaction snapshot(*reader, Transaction::Kind::deferred);
  {
    Query count =
        run(*reader, filter, "SELECT count(*) FROM orders" + conditions.where(), conditions);
    if (count.next()) page.total = count.integer(0);
  }
  // A page behind the last one is empty, however far behind: the offset must not overflow.
  if (pages_before(filter) > page.total / size_of_page(filter)) return page;

  const std::string sql = page_sql(filter, conditions);
  std::vector<NumberedOrder> found;
  {
    Query rows = run(*reader, filter, sql, conditions);
    while (rows.next()) found.push_back(sqlite::read_order_row(rows));
  }
  if (found.size() > static_cast<std::size_t>(size_of_page(filter))) {
    found.pop_back();
    page.next = OrderCursor{value_of(filter.sort, found.back().order), found.back().number};
  }
  for (NumberedOrder& each : found) {
    sqlite::read_items_and_logs(*reader, each);
    page.orders.push_back(std::move(each.order));
  }
  return page;
}

OrderCounts SqliteStore::count_orders(const OrderFilter& filter) {
  const Conditions conditions(filter);
  const ReaderPool::Lease reader(readers_);
  Query rows = run(
      *reader, filter,
      "SELECT orders.status, count(*) FROM orders" + conditions.where() + " GROUP BY orders.status",
      conditions);
  OrderCounts counts;
  while (rows.next()) rows::add_count(rows, counts);
  return counts;
}

std::optional<std::vector<HistoryEntry>> SqliteStore::order_history(std::string_view id,
                                                                    const OrderScope& scope) {
  const ReaderPool::Lease reader(readers_);
  const Transaction snapshot(*reader, Transaction::Kind::deferred);
  std::int64_t number = 0;
  {
    Query order = reader->query(
        "SELECT number FROM orders WHERE id = ?1 AND (?2 = '' OR user_id = ?2) "
        "AND (?3 = '' OR organization_id = ?3)",
        id, scope.user_id, scope.organization_id);
    if (!order.next()) return std::nullopt;
    number = order.integer(0);
  }
  // Before histories, each change had a log, or none.
  return sqlite::read_all(
      reader->query(
          "SELECT ifnull(version, position), status, payment_status, note, actor_id, actor_role, "
          "users.name, created_at FROM status_logs LEFT JOIN users ON users.id = actor_id "
          "WHERE order_number = ?1 ORDER BY position",
          number),
      rows::history_entry<Query>);
}

}  // namespace order_server
