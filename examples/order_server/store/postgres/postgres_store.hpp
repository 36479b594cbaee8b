// SPDX-License-Identifier: MIT
#pragma once

#include "store/database.hpp"
#include "store/postgres/outbox.hpp"
#include "store/postgres/pool.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A store in PostgreSQL (15 or newer), which many nodes share.
///
/// Each call uses a connection of a limited pool. A change is durable when its call returns, as set
/// by the server's `synchronous_commit` (`off` is turned on). Marks in the outbox are not waited
/// for, so a crash of the server may undo one; that repeats a broadcast, which clients drop by its
/// version.
///
/// Every call ends within `call_timeout`, whatever the server does. After deadlocks, serialization
/// failures and lost connections that can't have changed anything, the call tries again; then it
/// may call `decide` again. If the connection is lost during the commit of a change, it is unknown
/// whether the change is stored: that is a StoreError, and the order's version shows it.
///
///     order_server::PostgresStore store({"postgres://shop@db.example/shop?sslmode=verify-full"});
///     auto result = store.change_order(id, decide, now_ms);
namespace order_server {

struct PostgresOptions {
  std::string url;  ///< Without a password.

  std::string password;  ///< "": as libpq finds it.

  postgres::PoolOptions pool;

  /// How long the server waits for a lock before it gives up a statement, and how long it works on
  /// one.
  std::chrono::milliseconds lock_timeout{3'000};
  std::chrono::milliseconds statement_timeout{5'000};

  /// How long a whole call takes at most: waiting for a connection, connecting, trying again.
  std::chrono::milliseconds call_timeout{8'000};

  /// How long opening takes at most: another node may be creating the tables.
  std::chrono::milliseconds open_timeout{60'000};

  /// How long other nodes leave entries and pushes alone that this object took. It must be longer
  /// than handing one over takes: a broadcast is acknowledged within a minute, a push within 15
  /// seconds.
  std::chrono::milliseconds broadcast_lease{30'000};
  std::chrono::milliseconds push_lease{60'000};

  /// Serves the database, so that a copy gets its own epoch. Servers set it; operators' commands
  /// don't.
  bool serves = false;
};

class PostgresStore final : public Database {
 public:
  /// Connects, and creates the tables or brings them up to date. Throws StoreError if the URL is
  /// bad, the server can't be reached or refuses, or the tables belong to another program or a
  /// later version.
  explicit PostgresStore(PostgresOptions options);

  bool empty() override;
  bool fill(const DemoData& data) override;
  bool is_demo() override;
  std::string epoch() override;
  void add_user(const User& user) override;
  void add_shop(const Shop& shop) override;
  void add_product(const Product& product) override;

  std::optional<User> find_user(std::string_view id) override;
  std::optional<User> find_user_by_email(std::string_view email) override;
  std::vector<Shop> list_shops() override;
  std::optional<Shop> find_shop(std::string_view id) override;
  std::vector<Product> list_products(std::string_view store_id) override;

  std::optional<Order> find_order(std::string_view id, const OrderScope& scope) override;
  using Store::find_order;
  OrderPage list_orders(const OrderFilter& filter) override;
  std::vector<OrderVersion> current_versions(const std::vector<std::string>& ids) override;
  OrderCounts count_orders(const OrderFilter& filter) override;
  std::optional<std::vector<HistoryEntry>> order_history(std::string_view id,
                                                         const OrderScope& scope) override;

  /// Also throws std::invalid_argument for an order that is not a new one.
  Order create_order(const Order& order) override;
  CreateResult create_order_once(const Order& order, const RequestKey& request) override;
  std::optional<EarlierAnswer> find_answer(std::string_view user_id, std::string_view key,
                                           std::int64_t now_ms) override;
  ChangeResult change_order(std::string_view id, const OrderScope& scope,
                            const std::function<Decision(const Order&)>& decide,
                            std::int64_t now_ms) override;
  using Store::change_order;
  EventResult apply_payment_event(const PaymentEventKey& event, std::string_view razorpay_order_id,
                                  const std::function<Decision(const Order&)>& decide,
                                  std::int64_t now_ms) override;

  std::vector<OutboxEntry> pending_broadcasts(std::size_t limit) override;
  std::vector<OutboxEntry> failed_broadcasts(std::size_t limit, std::int64_t now_ms) override;
  void mark_broadcast(const std::vector<std::int64_t>& sequences) override;
  void fail_broadcasts(const std::vector<BroadcastFailure>& failures, std::int64_t now_ms) override;
  OutboxStats outbox_stats(std::int64_t now_ms) override;
  std::size_t prune_outbox(std::int64_t older_than_ms, std::size_t limit) override;

  std::size_t queue_pushes(std::size_t limit, std::int64_t now_ms) override;
  std::vector<PushJob> due_pushes(std::size_t limit, std::int64_t now_ms) override;
  std::optional<std::int64_t> next_push_at(std::int64_t now_ms) override;
  void finish_pushes(const std::vector<PushResult>& results, std::int64_t now_ms) override;
  void hasten_pushes(std::int64_t now_ms) override;
  PushStats push_stats(std::int64_t now_ms) override;

  std::vector<RefundJob> due_refunds(std::size_t limit, std::int64_t now_ms) override;
  std::optional<std::int64_t> next_refund_at(std::int64_t now_ms) override;
  void postpone_refund(std::int64_t id, std::int64_t due_at_ms, const std::string& error) override;
  RefundResult report_refund(const RefundReport& report, std::int64_t look_at_ms,
                             std::int64_t now_ms) override;
  RefundStats refund_stats(std::int64_t now_ms) override;

  std::vector<DeadLetter> list_dead_letters(std::size_t limit) override;
  std::size_t retry_dead_letters(const std::string& id, std::int64_t now_ms) override;

  std::optional<std::string> add_device(std::string_view user_id, std::string_view token,
                                        std::string_view platform, std::int64_t now_ms) override;
  void remove_device(std::string_view user_id, std::string_view token) override;

  void add_session(std::string_view id, std::string_view user_id, std::int64_t now_ms,
                   std::int64_t expires_at_ms) override;
  std::optional<std::int64_t> session_ended_at(std::string_view id,
                                               std::string_view user_id) override;
  void bind_device(std::string_view session_id, std::string_view user_id,
                   std::string_view device_token) override;
  void end_session(std::string_view id, std::string_view user_id, std::int64_t now_ms) override;
  std::vector<std::string> end_all_sessions(std::string_view user_id, std::int64_t now_ms) override;
  std::vector<EndedSession> sessions_ended_since(std::int64_t since_ms) override;

  std::vector<User> list_users() override;
  bool set_disabled(std::string_view user_id, bool is_disabled, std::int64_t now_ms) override;
  void set_password(std::string_view user_id, std::string_view password_hash,
                    std::int64_t now_ms) override;
  std::vector<std::string> disabled_users() override;
  std::vector<AccountChange> account_changes_after(std::int64_t sequence) override;
  std::int64_t last_account_change() override;

  void check() override;
  std::int64_t log_bytes() const noexcept override { return 0; }

 private:
  using Kind = postgres::Transaction::Kind;

  /// Calls `work` with a connection, and again if that may help.
  template <class Work>
  auto attempt(Work&& work);
  /// One statement that reads.
  template <class Work>
  auto read(Work&& work);
  /// A transaction around `work`.
  template <class Work>
  auto write(Kind kind, Work&& work);

  const PostgresOptions options_;
  const std::string holder_;  // What this object's leases carry.
  postgres::Pool pool_;
};

}  // namespace order_server
