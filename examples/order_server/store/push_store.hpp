// SPDX-License-Identifier: MIT
#pragma once

#include "domain/printable.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What push needs from a database: its own cursor on the outbox, and a queue with one place for
/// each order and device. Calls block; any thread; every failure is a `StoreError`.
namespace order_server {

/// A push that waits to be sent: the newest unsent state of one order for one device.
struct PushJob {
  std::int64_t id = 0;  ///< Never used twice.
  std::string order_id;
  std::string user_id;
  std::string token;     ///< The device's registration token: a secret, never logged whole.
  std::string platform;  ///< android, ios or web.
  std::string status;    ///< Wire name.
  std::uint64_t version = 0;
  std::int64_t changed_at_ms = 0;     ///< When that version was made.
  std::int64_t registered_at_ms = 0;  ///< When the device was last registered.
  std::int64_t attempts = 0;          ///< Failed attempts, for any version.
  std::int64_t failures = 0;          ///< Failed attempts that count against this version.
  std::int64_t nth_order = 0;         ///< This is the user's n-th order, from 1.
};

/// The result of one attempt.
struct PushResult {
  enum class Verdict : std::uint8_t {
    done,    ///< Sent, or not needed.
    retry,   ///< To be tried again at `due_at_ms`.
    dead,    ///< Given up; an operator may retry it.
    remove,  ///< There is no such device any more.
  };
  std::int64_t id = 0;
  std::string token;
  std::uint64_t version =
      0;  ///< The version of the attempt. A newer one that came meanwhile will still be sent.
  std::int64_t registered_at_ms = 0;
  Verdict verdict = Verdict::done;
  std::int64_t due_at_ms = 0;
  bool held_against = false;  ///< The failure counts against the message.
  std::string error;          ///< Holds no token.
};

struct PushStats {
  std::int64_t waiting = 0;
  std::int64_t oldest_age_ms = 0;  ///< 0 when none waits.
  std::int64_t dead = 0;
};

/// No retry is planned further ahead than this. A retry that seems to be was planned before the
/// clock was set back, and is due.
inline constexpr std::int64_t retry_horizon_ms = std::int64_t{2} * 60 * 60 * 1000;

class PushStore {
 public:
  virtual ~PushStore() = default;

  /// Turns up to `limit` outbox entries into pushes for their owner's devices, by their sequence
  /// and in one transaction; returns how many entries. A newer push replaces one that still waits
  /// for the same order and device. An entry that changed no status makes no push.
  virtual std::size_t queue_pushes(std::size_t limit, std::int64_t now_ms) = 0;

  /// Up to `limit` pushes that are due: the least tried first, then the longest due. If several
  /// nodes share the database, they are leased to this object, as by `Store::pending_broadcasts`.
  virtual std::vector<PushJob> due_pushes(std::size_t limit, std::int64_t now_ms) = 0;

  /// When the next push becomes due; nullopt if there is none.
  virtual std::optional<std::int64_t> next_push_at(std::int64_t now_ms) = 0;

  /// Stores the results of attempts, in one transaction.
  virtual void finish_pushes(const std::vector<PushResult>& results, std::int64_t now_ms) = 0;

  /// Makes all pushes that wait for a retry due now: after an outage, and when the clock was
  /// changed.
  virtual void hasten_pushes(std::int64_t now_ms) = 0;

  virtual PushStats push_stats(std::int64_t now_ms) = 0;
};

/// An entry that the server gave up on, as operators see it.
struct DeadLetter {
  std::string id;  ///< "broadcast:17", "push:5" or "refund:3".
  std::string order_id;
  std::uint64_t version = 0;
  std::string status;
  std::string device;  ///< Abbreviated; "" for what goes to none.
  std::int64_t attempts = 0;
  std::int64_t dead_at_ms = 0;
  std::string error;
};

/// What operators can do with the outbox. Any thread; blocks; StoreError.
class DeadLetters {
 public:
  virtual ~DeadLetters() = default;
  /// Oldest first, broadcasts before pushes, refunds last.
  virtual std::vector<DeadLetter> list_dead_letters(std::size_t limit) = 0;
  /// Makes an entry due now, with all attempts again; an empty id means all entries. Returns how
  /// many.
  virtual std::size_t retry_dead_letters(const std::string& id, std::int64_t now_ms) = 0;
};

/// A token as logs and lists show it: enough to tell two apart, too little to use.
[[nodiscard]] inline std::string abbreviated(const std::string& token) {
  return token.size() < 24 ? "(" + std::to_string(token.size()) + " bytes)"
                           : printable(token.substr(0, 6)) + "...";
}

}  // namespace order_server
