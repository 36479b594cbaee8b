// SPDX-License-Identifier: MIT
#pragma once

#include "store/database.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/files.hpp"
#include "store/sqlite/group_writer.hpp"
#include "store/sqlite/readers.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The embedded default store: one SQLite file in write-ahead mode.
///
/// One connection writes, for one thread at a time; changes that come at once are committed
/// together (see GroupWriter). A few others read at the same time, each a committed snapshot, and
/// never wait for the writer. A change is durable when its call returns: the commit is synced to
/// the disk
/// (`Durability::power_loss`). Bookkeeping of the outbox (marking, pruning)
/// is only as durable as the process: a power cut may undo a mark, which repeats a broadcast
/// that clients drop by its version.
///
/// The write-ahead log stays below `max_log_bytes` and one transaction. Reads are short, and let a
/// log that has grown be emptied between them. A reader of another process that stays open keeps
/// it from being emptied; then changes are refused in time, until that reader ends.
///
/// Where the name of the database or of its log no longer leads to the file that is open (removed,
/// replaced), changes and `check()` fail: what is written there would be lost.
///
/// The bodies stand in this folder, in one file for each kind of call (`accounts.cpp`,
/// `catalog.cpp`, ...) and `engine.cpp` for the connections: so each statement is next to its call.
///
///     order_server::SqliteStore store({"shop.db"});
///     auto result = store.change_order(id, decide, now_ms);
namespace order_server {

struct SqliteOptions {
  /// The database's file; created if there is none. Its -wal and -shm files are beside it.
  std::string file;

  /// How long to wait for another process's lock before a StoreError. 0: not at all.
  std::chrono::milliseconds busy_timeout{5'000};

  /// How long a call waits for other threads' reads or changes before a StoreError.
  std::chrono::milliseconds turn_timeout{5'000};

  /// How many reads run at once; further ones wait. 0 counts as 1. Each costs a connection with up
  /// to 2 MB of cache.
  std::size_t readers = 2;

  /// Which failures changes of orders survive. `power_loss` costs one sync of the disk per commit.
  Durability durability = Durability::power_loss;

  /// How many pages of 4 KiB the file may have; a change beyond that is a StoreError. 0: only the
  /// disk limits it.
  std::int64_t max_pages = 0;

  /// How many bytes the write-ahead log may have, plus one transaction. From 7/8 of it on, changes
  /// are refused; the rest is for the outbox, so that committed changes are broadcast. 0: no limit.
  std::int64_t max_log_bytes = std::int64_t{64} << 20;

  /// Opens only if no other process has the file open with this option, and keeps others out until
  /// the store or its process ends. Servers set it; operators' commands don't.
  bool exclusive = false;
};

class SqliteStore final : public Database {
 public:
  /// Opens or creates the database. Throws StoreError if the path is bad, or the file is not a
  /// database, belongs to another program, has a newer schema, is read-only, locked, or served by
  /// another process.
  explicit SqliteStore(const SqliteOptions& options);
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore(SqliteStore&&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;
  SqliteStore& operator=(SqliteStore&&) = delete;
  ~SqliteStore() override;

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

  /// Three look-ups by index; one if the caller may not see the order.
  std::optional<Order> find_order(std::string_view id, const OrderScope& scope) override;
  using Store::find_order;

  /// Counting the total, skipping to a page by its number, and sorting by anything but the time of
  /// creation take time in the number of orders that match.
  OrderPage list_orders(const OrderFilter& filter) override;
  OrderCounts count_orders(const OrderFilter& filter) override;
  std::optional<std::vector<HistoryEntry>> order_history(std::string_view id,
                                                         const OrderScope& scope) override;
  std::vector<OrderVersion> current_versions(const std::vector<std::string>& ids) override;

  /// Also throws std::invalid_argument for an order that is not a new one: version 1, PENDING, no
  /// log but a PENDING one.
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
  std::int64_t log_bytes() const noexcept override { return files_.log_bytes(); }
  std::chrono::milliseconds writing_for(std::chrono::steady_clock::time_point now) const override {
    return group_.held_for(now);
  }

 private:
  using ReaderPool = sqlite::ReaderPool;

  /// A change of the store: rolled back at the end of its scope unless committed.
  class Write {
   public:
    Write(SqliteStore& store, Durability durability,
          sqlite::GroupWriter::Company company = sqlite::GroupWriter::Company::shared)
        : change_(store.group_, durability, company) {}
    sqlite::Connection& operator*() const noexcept { return change_.connection(); }
    sqlite::Connection* operator->() const noexcept { return &change_.connection(); }
    /// Returns when all that was written and read here is durable. Also throws if the file was
    /// removed meanwhile: no caller may believe that this is stored.
    void commit() { change_.commit(); }

   private:
    sqlite::GroupWriter::Change change_;
  };

  /// Runs `change(company)`; where its group fails, which may be another's fault, once more alone.
  template <class Change>
  static auto in_group(Change&& change) {
    try {
      return change(sqlite::GroupWriter::Company::shared);
    } catch (const sqlite::GroupFailed&) {
      return change(sqlite::GroupWriter::Company::alone);
    }
  }

  /// All sign-ins of a user, with their devices; returns the ids of those that had not ended.
  static std::vector<std::string> end_sessions(sqlite::Connection& connection,
                                               std::string_view user_id, std::int64_t now_ms);

  void set_durability(Durability durability);
  /// Gives the store another epoch if its file is not the one that was last served.
  void notice_restored();
  /// Throws StoreError if the file on disk now belongs to another store.
  void require_own_epoch();
  /// Empties a write-ahead log that has grown; throws StoreError if there is no room for a change.
  void make_room(Durability durability);
  /// Whether the log is empty now.
  bool empty_log();

  const Durability durability_;
  const std::chrono::milliseconds busy_timeout_;
  const std::int64_t max_log_bytes_;
  // Closed last: a process that closes any descriptor of the file loses SQLite's locks on it.
  sqlite::DatabaseFiles files_;
  // Created before the readers and so closed after them: the last connection to close removes the
  // write-ahead log, and only the writer may write.
  // The next three belong to the thread that has the turn.
  sqlite::Connection writer_;
  std::optional<Durability> writer_has_;  // What the writer is set to.
  std::chrono::steady_clock::time_point next_emptying_;
  ReaderPool readers_;
  sqlite::GroupWriter group_;
  std::string epoch_;  // Never changed once the store is open.
};

}  // namespace order_server
