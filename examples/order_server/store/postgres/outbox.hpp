// SPDX-License-Identifier: MIT
#pragma once

#include "store/postgres/connection.hpp"
#include "store/push_store.hpp"
#include "store/store.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The statements about the outbox, the queue of pushes and what was given up; see `Store`,
/// `PushStore` and `DeadLetters` for what each means. What writes must be called within a
/// transaction, which the caller commits. All throw StoreError.
namespace order_server::postgres {

/// Who takes entries, and for how long at a time. The database's clock decides whether a lease has
/// ended, so clocks of nodes may differ.
struct Holder {
  /// Different for each store object, and the `application_name` of its sessions.
  std::string name;
  std::chrono::milliseconds lease{0};
};

[[nodiscard]] std::vector<OutboxEntry> take_pending(Connection& connection, const Holder& holder,
                                                    std::size_t limit);
[[nodiscard]] std::vector<OutboxEntry> take_failed(Connection& connection, const Holder& holder,
                                                   std::size_t limit, std::int64_t now_ms);
void mark_broadcast(Connection& connection, const std::vector<std::int64_t>& sequences);
void fail_broadcasts(Connection& connection, const std::vector<BroadcastFailure>& failures,
                     std::int64_t now_ms);
[[nodiscard]] OutboxStats outbox_stats(Connection& connection, std::int64_t now_ms);
[[nodiscard]] std::size_t prune_outbox(Connection& connection, std::int64_t older_than_ms,
                                       std::size_t limit);

[[nodiscard]] std::size_t queue_pushes(Connection& connection, std::size_t limit,
                                       std::int64_t now_ms);
[[nodiscard]] std::vector<PushJob> take_due_pushes(Connection& connection, const Holder& holder,
                                                   std::size_t limit, std::int64_t now_ms);
[[nodiscard]] std::optional<std::int64_t> next_push_at(Connection& connection, std::int64_t now_ms);
void finish_pushes(Connection& connection, const std::vector<PushResult>& results,
                   std::int64_t now_ms);
void hasten_pushes(Connection& connection, std::int64_t now_ms);
[[nodiscard]] PushStats push_stats(Connection& connection, std::int64_t now_ms);

[[nodiscard]] std::vector<DeadLetter> list_dead_letters(Connection& connection, std::size_t limit);
[[nodiscard]] std::size_t retry_dead_letters(Connection& connection, const std::string& id,
                                             std::int64_t now_ms);

}  // namespace order_server::postgres
