// SPDX-License-Identifier: MIT
#include "store/postgres/postgres_store.hpp"

#include "domain/ids.hpp"
#include "store/postgres/accounts.hpp"
#include "store/postgres/address.hpp"
#include "store/postgres/catalog.hpp"
#include "store/postgres/order_lists.hpp"
#include "store/postgres/orders.hpp"
#include "store/postgres/refunds.hpp"
#include "store/postgres/schema.hpp"
#include "store/shared_rules.hpp"
#include "workers/fail_point.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <random>
#include <thread>
#include <type_traits>
#include <utility>

/// The other files have the statements. This one decides on which connection and in which
/// transaction they run, with which deadline and how often. It is longer than other files because
/// it is a list: each call is a line or two, and all go through the same three templates.
namespace order_server {
namespace {

using postgres::Connection;
using postgres::Error;
using postgres::Fault;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// How often a call is tried that ends in deadlocks or serialization failures. There is a jittered
/// pause in between, so that more in a row are no accident.
constexpr int most_attempts = 6;

std::string ms(milliseconds time) {
  return std::to_string(time.count());
}

/// The settings of every session. A node that hangs loses its locks: its transaction is ended.
void prepare(Connection& connection, const PostgresOptions& options, const std::string& holder) {
  connection.execute("SET application_name = '" + holder +
                     "'; SET statement_timeout = " + ms(options.statement_timeout) +
                     "; SET lock_timeout = " + ms(options.lock_timeout) +
                     "; SET idle_in_transaction_session_timeout = " + ms(options.call_timeout) +
                     "; SET client_min_messages = error" +
                     "; SELECT set_config('synchronous_commit', 'on', false) "
                     "WHERE current_setting('synchronous_commit') = 'off'");
}

void warn_of_risks(const postgres::Address& address, Connection& connection) {
  if (!postgres::is_verified(address)) {
    spdlog::warn(
        "the connection to {} is not verified: whoever is in between may read and change what it "
        "carries; add ?sslmode=verify-full&sslrootcert=FILE to the URL",
        connection.name());
  }
  if (connection.query("SELECT current_setting('fsync')").text(0, 0) == "off") {
    spdlog::warn("{} runs with fsync = off: a power cut may destroy it", connection.name());
  }
}

}  // namespace

template <class Work>
auto PostgresStore::attempt(Work&& work) {
  const auto deadline = steady_clock::now() + options_.call_timeout;
  for (int attempts = 1;; ++attempts) {
    try {
      const postgres::Pool::Lease lease(pool_, deadline);
      return work(*lease);
    } catch (const Error& error) {
      const bool may_help = error.fault() == Fault::conflict || error.fault() == Fault::lost;
      if (!may_help || attempts == most_attempts) throw;
    }
    thread_local std::minstd_rand random(std::random_device{}());
    const milliseconds pause(std::uniform_int_distribution<int>(0, 5 * attempts)(random));
    if (steady_clock::now() + pause >= deadline) {
      throw Error(Fault::late, "cannot use " + postgres::shown(options_.url) + " within " +
                                   ms(options_.call_timeout) + " ms");
    }
    std::this_thread::sleep_for(pause);
  }
}

template <class Work>
auto PostgresStore::read(Work&& work) {
  using Answer = std::decay_t<decltype(work(std::declval<Connection&>()))>;
  try {
    return attempt(std::forward<Work>(work));
  } catch (const Error& error) {
    // No row has a key that can't be stored.
    if constexpr (!std::is_void_v<Answer>) {
      if (error.fault() == Fault::no_text) return Answer{};
    }
    throw;
  }
}

template <class Work>
auto PostgresStore::write(Kind kind, Work&& work) {
  return attempt([&](Connection& connection) {
    postgres::Transaction transaction(connection, kind);
    if constexpr (std::is_void_v<decltype(work(connection))>) {
      work(connection);
      transaction.commit();
    } else {
      auto answer = work(connection);
      transaction.commit();
      return answer;
    }
  });
}

PostgresStore::PostgresStore(PostgresOptions options)
    : options_(std::move(options)),
      holder_("order_server " + random_uuid()),
      pool_(postgres::address_of(options_.url, options_.password), postgres::shown(options_.url),
            options_.pool,
            [this](Connection& connection) { prepare(connection, options_, holder_); }) {
  const postgres::Pool::Lease lease(pool_, steady_clock::now() + options_.open_timeout);
  postgres::update_schema(*lease);
  if (!options_.serves) return;
  postgres::notice_restored(*lease);
  warn_of_risks(postgres::address_of(options_.url, {}), *lease);
}

// ---- The store's own facts, users, shops, products ----------------------------------------------

bool PostgresStore::empty() {
  return read([](Connection& c) { return !postgres::has_users(c); });
}

bool PostgresStore::fill(const DemoData& data) {
  return write(Kind::change, [&](Connection& c) { return postgres::fill(c, data); });
}

bool PostgresStore::is_demo() {
  return read([](Connection& c) { return postgres::is_demo(c); });
}

std::string PostgresStore::epoch() {
  return read([](Connection& c) { return postgres::epoch(c); });
}

void PostgresStore::add_user(const User& user) {
  write(Kind::change, [&](Connection& c) { postgres::insert_user(c, user); });
}

void PostgresStore::add_shop(const Shop& shop) {
  write(Kind::change, [&](Connection& c) { postgres::insert_shop(c, shop); });
}

void PostgresStore::add_product(const Product& product) {
  write(Kind::change, [&](Connection& c) { postgres::insert_product(c, product); });
}

std::optional<User> PostgresStore::find_user(std::string_view id) {
  return read([&](Connection& c) { return postgres::find_user(c, id); });
}

std::optional<User> PostgresStore::find_user_by_email(std::string_view email) {
  return read([&](Connection& c) { return postgres::find_user_by_email(c, email); });
}

std::vector<Shop> PostgresStore::list_shops() {
  return read([](Connection& c) { return postgres::list_shops(c); });
}

std::optional<Shop> PostgresStore::find_shop(std::string_view id) {
  return read([&](Connection& c) { return postgres::find_shop(c, id); });
}

std::vector<Product> PostgresStore::list_products(std::string_view store_id) {
  return read([&](Connection& c) { return postgres::list_products(c, store_id); });
}

void PostgresStore::check() {
  read([](Connection& c) { postgres::check(c); });
}

// ---- Orders ------------------------------------------------------------------------------------

std::optional<Order> PostgresStore::find_order(std::string_view id, const OrderScope& scope) {
  return read([&](Connection& c) { return postgres::find_order(c, id, scope); });
}

OrderPage PostgresStore::list_orders(const OrderFilter& filter) {
  return read([&](Connection& c) {
    postgres::Transaction snapshot(c, Kind::snapshot);
    auto page = postgres::list_orders(c, filter);
    snapshot.commit();
    return page;
  });
}

std::vector<OrderVersion> PostgresStore::current_versions(const std::vector<std::string>& ids) {
  require_few(ids);
  // One id that can't be stored must not hide the others.
  std::vector<std::string> known;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(known), &postgres::is_text);
  return read([&](Connection& c) { return postgres::current_versions(c, known); });
}

OrderCounts PostgresStore::count_orders(const OrderFilter& filter) {
  return read([&](Connection& c) {
    postgres::Transaction snapshot(c, Kind::snapshot);
    auto counts = postgres::count_orders(c, filter);
    snapshot.commit();
    return counts;
  });
}

std::optional<std::vector<HistoryEntry>> PostgresStore::order_history(std::string_view id,
                                                                      const OrderScope& scope) {
  return read([&](Connection& c) { return postgres::order_history(c, id, scope); });
}

Order PostgresStore::create_order(const Order& order) {
  const Order complete = complete_new_order(order);
  return write(Kind::change, [&](Connection& c) {
    Order made = complete;
    postgres::create_order(c, made);
    return made;
  });
}

CreateResult PostgresStore::create_order_once(const Order& order, const RequestKey& request) {
  const Order complete = complete_new_order(order);
  return write(Kind::change, [&](Connection& c) -> CreateResult {
    Order made = complete;
    if (postgres::create_order_once(c, made, request)) {
      fail_point("create.decided");
      return {std::move(made), std::nullopt};
    }
    return {std::nullopt,
            postgres::find_answer(c, request.user_id, request.key, complete.created_at_ms)};
  });
}

std::optional<EarlierAnswer> PostgresStore::find_answer(std::string_view user_id,
                                                        std::string_view key, std::int64_t now_ms) {
  return read([&](Connection& c) { return postgres::find_answer(c, user_id, key, now_ms); });
}

ChangeResult PostgresStore::change_order(std::string_view id, const OrderScope& scope,
                                         const std::function<Decision(const Order&)>& decide,
                                         std::int64_t now_ms) {
  if (!postgres::is_text(id)) return {};
  auto result = write(Kind::change, [&](Connection& c) {
    auto changed = postgres::change_order(c, id, scope, decide, now_ms);
    if (changed.changed) fail_point("change.decided");
    return changed;
  });
  if (result.changed) fail_point("change.committed");
  return result;
}

EventResult PostgresStore::apply_payment_event(const PaymentEventKey& event,
                                               std::string_view razorpay_order_id,
                                               const std::function<Decision(const Order&)>& decide,
                                               std::int64_t now_ms) {
  if (!postgres::is_text(razorpay_order_id)) return {};
  return write(Kind::change, [&](Connection& c) {
    return postgres::apply_payment_event(c, event, razorpay_order_id, decide, now_ms);
  });
}

// ---- The outbox and pushes ---------------------------------------------------------------------

std::vector<OutboxEntry> PostgresStore::pending_broadcasts(std::size_t limit) {
  return write(Kind::bookkeeping, [&](Connection& c) {
    return postgres::take_pending(c, {holder_, options_.broadcast_lease}, limit);
  });
}

std::vector<OutboxEntry> PostgresStore::failed_broadcasts(std::size_t limit, std::int64_t now_ms) {
  return write(Kind::bookkeeping, [&](Connection& c) {
    return postgres::take_failed(c, {holder_, options_.broadcast_lease}, limit, now_ms);
  });
}

void PostgresStore::mark_broadcast(const std::vector<std::int64_t>& sequences) {
  if (sequences.empty()) return;
  write(Kind::bookkeeping, [&](Connection& c) { postgres::mark_broadcast(c, sequences); });
}

void PostgresStore::fail_broadcasts(const std::vector<BroadcastFailure>& failures,
                                    std::int64_t now_ms) {
  if (failures.empty()) return;
  write(Kind::bookkeeping, [&](Connection& c) { postgres::fail_broadcasts(c, failures, now_ms); });
}

OutboxStats PostgresStore::outbox_stats(std::int64_t now_ms) {
  return read([&](Connection& c) { return postgres::outbox_stats(c, now_ms); });
}

std::size_t PostgresStore::prune_outbox(std::int64_t older_than_ms, std::size_t limit) {
  return write(Kind::bookkeeping,
               [&](Connection& c) { return postgres::prune_outbox(c, older_than_ms, limit); });
}

std::size_t PostgresStore::queue_pushes(std::size_t limit, std::int64_t now_ms) {
  return write(Kind::bookkeeping,
               [&](Connection& c) { return postgres::queue_pushes(c, limit, now_ms); });
}

std::vector<PushJob> PostgresStore::due_pushes(std::size_t limit, std::int64_t now_ms) {
  return write(Kind::bookkeeping, [&](Connection& c) {
    return postgres::take_due_pushes(c, {holder_, options_.push_lease}, limit, now_ms);
  });
}

std::optional<std::int64_t> PostgresStore::next_push_at(std::int64_t now_ms) {
  return read([&](Connection& c) { return postgres::next_push_at(c, now_ms); });
}

void PostgresStore::finish_pushes(const std::vector<PushResult>& results, std::int64_t now_ms) {
  if (results.empty()) return;
  write(Kind::bookkeeping, [&](Connection& c) { postgres::finish_pushes(c, results, now_ms); });
}

void PostgresStore::hasten_pushes(std::int64_t now_ms) {
  write(Kind::bookkeeping, [&](Connection& c) { postgres::hasten_pushes(c, now_ms); });
}

PushStats PostgresStore::push_stats(std::int64_t now_ms) {
  return read([&](Connection& c) { return postgres::push_stats(c, now_ms); });
}

// ---- Refunds -----------------------------------------------------------------------------------

std::vector<RefundJob> PostgresStore::due_refunds(std::size_t limit, std::int64_t now_ms) {
  return write(Kind::bookkeeping,
               [&](Connection& c) { return postgres::take_due_refunds(c, limit, now_ms); });
}

std::optional<std::int64_t> PostgresStore::next_refund_at(std::int64_t now_ms) {
  return read([&](Connection& c) { return postgres::next_refund_at(c, now_ms); });
}

void PostgresStore::postpone_refund(std::int64_t id, std::int64_t due_at_ms,
                                    const std::string& error) {
  write(Kind::bookkeeping,
        [&](Connection& c) { postgres::postpone_refund(c, id, due_at_ms, error); });
}

RefundResult PostgresStore::report_refund(const RefundReport& report, std::int64_t look_at_ms,
                                          std::int64_t now_ms) {
  if (!postgres::is_text(report.payment_id)) return {};
  return write(Kind::change, [&](Connection& c) {
    return postgres::report_refund(c, report, look_at_ms, now_ms);
  });
}

RefundStats PostgresStore::refund_stats(std::int64_t now_ms) {
  return read([&](Connection& c) { return postgres::refund_stats(c, now_ms); });
}

std::vector<DeadLetter> PostgresStore::list_dead_letters(std::size_t limit) {
  return read([&](Connection& c) { return postgres::list_dead_letters(c, limit); });
}

std::size_t PostgresStore::retry_dead_letters(const std::string& id, std::int64_t now_ms) {
  return write(Kind::change,
               [&](Connection& c) { return postgres::retry_dead_letters(c, id, now_ms); });
}

// ---- Devices and sign-ins ----------------------------------------------------------------------

std::optional<std::string> PostgresStore::add_device(std::string_view user_id,
                                                     std::string_view token,
                                                     std::string_view platform,
                                                     std::int64_t now_ms) {
  return write(Kind::change, [&](Connection& c) {
    return postgres::add_device(c, user_id, token, platform, now_ms);
  });
}

void PostgresStore::remove_device(std::string_view user_id, std::string_view token) {
  write(Kind::change, [&](Connection& c) { postgres::remove_device(c, user_id, token); });
}

void PostgresStore::add_session(std::string_view id, std::string_view user_id, std::int64_t now_ms,
                                std::int64_t expires_at_ms) {
  write(Kind::change,
        [&](Connection& c) { postgres::add_session(c, id, user_id, now_ms, expires_at_ms); });
}

std::optional<std::int64_t> PostgresStore::session_ended_at(std::string_view id,
                                                            std::string_view user_id) {
  return read([&](Connection& c) { return postgres::session_ended_at(c, id, user_id); });
}

void PostgresStore::bind_device(std::string_view session_id, std::string_view user_id,
                                std::string_view device_token) {
  write(Kind::change,
        [&](Connection& c) { postgres::bind_device(c, session_id, user_id, device_token); });
}

void PostgresStore::end_session(std::string_view id, std::string_view user_id,
                                std::int64_t now_ms) {
  write(Kind::change, [&](Connection& c) { postgres::end_session(c, id, user_id, now_ms); });
}

std::vector<std::string> PostgresStore::end_all_sessions(std::string_view user_id,
                                                         std::int64_t now_ms) {
  return write(Kind::change,
               [&](Connection& c) { return postgres::end_all_sessions(c, user_id, now_ms); });
}

std::vector<EndedSession> PostgresStore::sessions_ended_since(std::int64_t since_ms) {
  return read([&](Connection& c) { return postgres::sessions_ended_since(c, since_ms); });
}

// ---- Users as operators handle them ------------------------------------------------------------

std::vector<User> PostgresStore::list_users() {
  return read([](Connection& c) { return postgres::list_users(c); });
}

bool PostgresStore::set_disabled(std::string_view user_id, bool is_disabled, std::int64_t now_ms) {
  return write(Kind::change, [&](Connection& c) {
    return postgres::set_disabled(c, user_id, is_disabled, now_ms);
  });
}

void PostgresStore::set_password(std::string_view user_id, std::string_view password_hash,
                                 std::int64_t now_ms) {
  write(Kind::change,
        [&](Connection& c) { postgres::set_password(c, user_id, password_hash, now_ms); });
}

std::vector<std::string> PostgresStore::disabled_users() {
  return read([](Connection& c) { return postgres::disabled_users(c); });
}

std::vector<AccountChange> PostgresStore::account_changes_after(std::int64_t sequence) {
  return read([&](Connection& c) { return postgres::account_changes_after(c, sequence); });
}

std::int64_t PostgresStore::last_account_change() {
  return read([](Connection& c) { return postgres::last_account_change(c); });
}

}  // namespace order_server
