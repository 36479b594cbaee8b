// SPDX-License-Identifier: MIT
#pragma once

#include "domain/decision.hpp"
#include "domain/order.hpp"
#include "domain/role.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// What the order server needs from a database. Calls block: make them only on database threads,
/// never on an I/O thread. Several threads may use one object at once. Every failure of the
/// database itself is a `StoreError`; an answer like "no such order" is not.
namespace order_server {

/// The database failed (locked too long, disk full, corrupt, not reachable). The message names the
/// operation and never holds user data.
class StoreError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct User {
  std::string id;
  std::string email;
  std::string name;
  std::string password_hash;
  Role role = Role::customer;
  std::string organization_id;
  bool is_disabled = false;  ///< May not sign in; every token of theirs is refused.
  std::string phone = {};    ///< Empty: none is known.
};

struct Shop {
  std::string id;
  std::string organization_id;
  std::string name;
  std::string phone = {};  ///< Empty: none is known.
};

struct Product {
  std::string id;
  std::string store_id;
  std::string name;
  std::int64_t price_minor = 0;
};

/// Which orders a caller may see. An empty field does not restrict, so `{}` means all orders.
struct OrderScope {
  std::string user_id;
  std::string organization_id;
};

/// What a list is sorted by. Orders that are equal in it are sorted by when they were made.
enum class OrderSort : std::uint8_t { created_at, updated_at, total, number };

/// Where a page ends, for the page after it: what the last order has in the list's sort, and its
/// place in the sequence in which this database got its orders.
struct OrderCursor {
  std::int64_t value = 0;
  std::int64_t sequence = 0;
};

/// Selects some of the orders that a caller may see. Empty fields don't filter.
struct OrderFilter : OrderScope {
  std::vector<OrderStatus> statuses;  ///< Any of them.
  std::optional<PaymentStatus> payment_status;
  std::optional<PaymentMethod> payment_method;
  std::optional<FulfillmentType> fulfillment_type;
  std::string store_id;
  std::string customer_id;  ///< Beside `user_id`: both must fit.
  std::optional<std::int64_t> created_from_ms;
  std::optional<std::int64_t> created_before_ms;
  /// The number, the id or its start, or a part of the customer's name, e-mail address or phone, or
  /// of an item's name; case-insensitive (ASCII at least). Of several words each has to fit. See
  /// `most_searched`.
  std::string text;

  OrderSort sort = OrderSort::created_at;
  bool ascending = false;
  std::optional<OrderCursor> after;  ///< In place of `page`.
  std::int64_t page = 1;
  std::int64_t page_size = 20;
};

/// A text is looked for in this many of the newest orders that fit the rest of the filter: what a
/// search costs stays bounded. Numbers of an organization, and ids of which at least
/// `least_id_start` characters are given, are found whatever their age.
inline constexpr std::int64_t most_searched = 10'000;
inline constexpr std::size_t least_id_start = 8;

/// An order's version, and the fields of its event besides the JSON.
struct OrderVersion {
  std::string order_id;
  std::uint64_t version = 0;
  std::string user_id;  ///< The owner.
  std::string organization_id;
  std::string status;  ///< Wire name.
};

/// How many orders `Store::current_versions` takes at once.
inline constexpr std::size_t max_versions_at_once = 1000;

struct OrderPage {
  std::vector<Order> orders;
  std::int64_t total = 0;           ///< Of all pages.
  std::optional<OrderCursor> next;  ///< Nothing on the last page.
};

/// How many orders fit a filter, by status.
struct OrderCounts {
  std::array<std::int64_t, all_order_statuses.size()> by_status{};  ///< As `all_order_statuses`.
  std::int64_t total = 0;
};

/// One version of an order, as its staff sees who made it.
struct HistoryEntry {
  std::uint64_t version = 0;
  OrderStatus status = OrderStatus::pending;
  std::optional<PaymentStatus> payment_status;  ///< Nothing: from before it was written down.
  std::string note;
  Actor actor;
  std::string actor_name;  ///< "" for the provider, and for a user who is not in the database.
  std::int64_t created_at_ms = 0;
};

/// The result of `change_order`. `changed` and `rejection` may both be set: a payment that could
/// not be verified is stored (so it must be broadcast) and refused (so the caller gets an error).
struct ChangeResult {
  std::optional<Order> order;  ///< As committed, or as found; nullopt: no such order.
  bool changed = false;        ///< A new version was committed.
  std::optional<Rejection> rejection;
};

/// A request that its client may send twice.
struct RequestKey {
  std::string user_id;
  std::string key;
  std::string digest;  ///< Of what it asks for.
};

/// What a request was answered before.
struct EarlierAnswer {
  std::string digest;      ///< Of what it asked for.
  std::string order_json;  ///< The order as it was placed.
};

/// What `create_order_once` did: one of the two is there.
struct CreateResult {
  std::optional<Order> order;  ///< As `create_order` returns it.
  std::optional<EarlierAnswer> earlier;
};

/// One committed change, waiting to be broadcast.
struct OutboxEntry {
  std::int64_t sequence = 0;  ///< Grows in commit order among the changes of one order.
  std::string order_id;
  std::string owner_id;
  std::string organization_id;
  std::string status;  ///< Wire name.
  std::uint64_t version = 0;
  std::string order_json;  ///< The full order of this version.
  std::int64_t created_at_ms = 0;
  std::int64_t attempts = 0;  ///< Broadcasts of it that failed.
  bool superseded = false;    ///< Failed before, and its order has got a newer version since.
};

/// An entry that could not be broadcast.
struct BroadcastFailure {
  std::int64_t sequence = 0;
  std::optional<std::int64_t> retry_at_ms;  ///< Nullopt: it is given up.
  std::string error;
};

struct OutboxStats {
  std::int64_t depth = 0;          ///< Entries not yet broadcast, dead ones not counted.
  std::int64_t oldest_age_ms = 0;  ///< 0 when there is none.
  std::int64_t dead = 0;           ///< Given up.
};

/// Identifies an event of the payment provider. Only the body is signed, so the id alone proves
/// nothing.
struct PaymentEventKey {
  std::string id;      ///< From a header, so without control characters.
  std::string digest;  ///< Of the signed body.
};

/// The result of `apply_payment_event`.
struct EventResult {
  bool known_order = false;
  bool repeated = false;   ///< The event was applied before, so nothing was done.
  bool id_reused = false;  ///< An event with this id and another body was applied before.
  ChangeResult change;
};

/// Everything that fills an empty store at once.
struct DemoData {
  std::vector<User> users;
  std::vector<Shop> shops;
  std::vector<Product> products;
  std::vector<Order> orders;  ///< In any status, with the matching logs and version.
};

/// How long the key of a request stands for the request's first answer.
inline constexpr std::int64_t request_key_lifetime_ms = std::int64_t{24} * 60 * 60 * 1000;

/// How long entries that were given up stay for operators, and keys of payment events are kept.
inline constexpr std::int64_t dead_letter_retention_ms = std::int64_t{30} * 24 * 60 * 60 * 1000;

/// How many devices of a user get pushes. Registering one more removes the one that was not seen
/// for the longest time.
inline constexpr std::int64_t max_devices_per_user = 20;

class Store {
 public:
  virtual ~Store() = default;

  virtual bool empty() = 0;  ///< True if there are no users yet, so demo data may be written.
  /// Writes all of `data` in one transaction, if the store is still empty under its lock; returns
  /// whether it did. The orders count as history: they get no outbox entries.
  virtual bool fill(const DemoData& data) = 0;
  /// Whether `fill` ever filled this store: everybody knows its passwords, and test payments pay
  /// its orders. It stays true whatever is added or changed later.
  [[nodiscard]] virtual bool is_demo() = 0;
  /// The random name of this store, made when the store was created. Versions of an order can be
  /// compared only within one epoch. A copy gets another one when it is first served.
  [[nodiscard]] virtual std::string epoch() = 0;
  virtual void add_user(const User& user) = 0;
  virtual void add_shop(const Shop& shop) = 0;
  virtual void add_product(const Product& product) = 0;

  virtual std::optional<User> find_user(std::string_view id) = 0;
  /// Case-insensitive (ASCII).
  virtual std::optional<User> find_user_by_email(std::string_view email) = 0;
  virtual std::vector<Shop> list_shops() = 0;
  virtual std::optional<Shop> find_shop(std::string_view id) = 0;
  virtual std::vector<Product> list_products(std::string_view store_id) = 0;  ///< "" lists all.

  /// Nullopt if there is no such order or it is out of `scope`. Both cost the same work, so the
  /// time of an answer does not reveal whether an id exists.
  virtual std::optional<Order> find_order(std::string_view id, const OrderScope& scope) = 0;
  [[nodiscard]] std::optional<Order> find_order(std::string_view id) { return find_order(id, {}); }
  virtual OrderPage list_orders(const OrderFilter& filter) = 0;
  /// Of all orders that fit, whatever the page.
  virtual OrderCounts count_orders(const OrderFilter& filter) = 0;
  /// All that happened to an order, oldest first; nothing where `find_order` finds nothing. Of an
  /// order from before histories, what its logs say.
  virtual std::optional<std::vector<HistoryEntry>> order_history(std::string_view id,
                                                                 const OrderScope& scope) = 0;

  /// Writes the order with version 1, its PENDING log (one is made if it has none) and its outbox
  /// entry in one transaction, and returns it as written: with its number, customer and store.
  virtual Order create_order(const Order& order) = 0;
  /// The same, and remembers the answer under the request's key in the same transaction; where the
  /// key is known and not older than `request_key_lifetime_ms`, finds its answer and writes
  /// nothing. Of two at the same time, the second waits for the first.
  virtual CreateResult create_order_once(const Order& order, const RequestKey& request) = 0;
  /// What that user's request with this key was answered; nothing if there was none lately.
  virtual std::optional<EarlierAnswer> find_answer(std::string_view user_id, std::string_view key,
                                                   std::int64_t now_ms) = 0;
  /// The current version of each of these orders, in any sequence; unknown ids are left out. Reads
  /// one row an order, however large the order is. Never older than what was committed before
  /// the call. Throws std::invalid_argument above `max_versions_at_once` ids.
  virtual std::vector<OrderVersion> current_versions(const std::vector<std::string>& ids) = 0;

  /// Loads the order under a write lock, asks `decide`, and writes row, log, version + 1 and outbox
  /// entry in the same transaction. `decide` must not call the store; if it throws, nothing is
  /// written and the exception passes through. An order out of `scope` gets the same answer, at the
  /// same cost, as one that does not exist. If the clock was set back, a change gets the time of
  /// the order's last one.
  virtual ChangeResult change_order(std::string_view id, const OrderScope& scope,
                                    const std::function<Decision(const Order&)>& decide,
                                    std::int64_t now_ms) = 0;
  ChangeResult change_order(std::string_view id,
                            const std::function<Decision(const Order&)>& decide,
                            std::int64_t now_ms) {
    return change_order(id, {}, decide, now_ms);
  }

  /// Changes the order that has this provider's order id, as `change_order` does, and stores the
  /// event's key in the same transaction, so that an event is applied once however often it comes.
  /// The key of an event for an unknown order is not stored.
  virtual EventResult apply_payment_event(const PaymentEventKey& event,
                                          std::string_view razorpay_order_id,
                                          const std::function<Decision(const Order&)>& decide,
                                          std::int64_t now_ms) = 0;

  /// Up to `limit` entries not yet marked as broadcast, by their sequence. Entries that have failed
  /// are not among them, because they must not hold up later ones.
  ///
  /// If several nodes share the database, a returned entry is leased to this object: other nodes
  /// don't get it until it is marked or the lease ends. The next call returns the same entries
  /// again and renews their leases, so one dispatcher per object works as if it were alone. A node
  /// that dies or hangs loses its leases to the others. An entry may then be broadcast twice, but
  /// none is skipped, because each is marked by its own sequence.
  virtual std::vector<OutboxEntry> pending_broadcasts(std::size_t limit) = 0;
  /// Up to `limit` entries that have failed and are due again; leased in the same way.
  virtual std::vector<OutboxEntry> failed_broadcasts(std::size_t limit, std::int64_t now_ms) = 0;
  virtual void mark_broadcast(const std::vector<std::int64_t>& sequences) = 0;
  virtual void fail_broadcasts(const std::vector<BroadcastFailure>& failures,
                               std::int64_t now_ms) = 0;
  /// Counts the entries for broadcast; `PushStore` counts pushes.
  virtual OutboxStats outbox_stats(std::int64_t now_ms) = 0;
  /// Deletes at most `limit` entries that are broadcast and queued for push, and what was given up
  /// or stored before `older_than_ms` (now less `dead_letter_retention_ms`); returns how many.
  /// Waiting entries are never deleted.
  virtual std::size_t prune_outbox(std::int64_t older_than_ms, std::size_t limit) = 0;

  /// Returns the previous user of this device, if that was another one.
  virtual std::optional<std::string> add_device(std::string_view user_id, std::string_view token,
                                                std::string_view platform, std::int64_t now_ms) = 0;
  virtual void remove_device(std::string_view user_id, std::string_view token) = 0;

  /// Checks cheaply that the database answers and accepts changes; throws StoreError if not.
  virtual void check() = 0;
  /// Bytes of the write-ahead log on disk; 0 if there is none.
  [[nodiscard]] virtual std::int64_t log_bytes() const noexcept = 0;
  /// How long the change that all others wait for has been at work; 0 if none is, or none waits for
  /// another's.
  [[nodiscard]] virtual std::chrono::milliseconds writing_for(
      std::chrono::steady_clock::time_point /*now*/) const {
    return std::chrono::milliseconds(0);
  }
};

}  // namespace order_server
