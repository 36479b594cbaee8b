// SPDX-License-Identifier: MIT
#pragma once

#include "store/sqlite/connection.hpp"
#include "store/store.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

/// The one connection that writes, shared by threads whose changes become durable together.
namespace order_server {

/// Which failures a commit survives.
enum class Durability : std::uint8_t {
  process_crash,  ///< A power cut may lose the last commits, but never half of one (`NORMAL`).
  power_loss,     ///< Each commit waits for the disk (SQLite's `synchronous=FULL`).
};

}  // namespace order_server

namespace order_server::sqlite {

/// A good change was undone because another change of its group, or the commit, failed. Try again,
/// alone.
struct GroupFailed : StoreError {
  using StoreError::StoreError;
};

/// Group commit. Threads take turns; each makes its change in a savepoint of one transaction, and
/// waits. The last one for whom nobody waits commits for all, so a sync of the disk serves as many
/// changes as came during the one before it. Nobody waits for company: a change alone commits at
/// once.
///
/// A change that is rolled back undoes itself only. Where SQLite gives the whole transaction up (a
/// full disk, no memory) or the commit fails, every change of the group fails: those that were
/// good with GroupFailed.
class GroupWriter {
 public:
  /// How many changes share a commit at most.
  static constexpr std::size_t most_members = 64;

  struct Hooks {
    /// Before a transaction, outside of it. Throws StoreError where none may begin.
    std::function<void(Durability)> before;
    /// After a commit. Throws StoreError if it can't be believed.
    std::function<void()> after;
  };
  enum class Company : std::uint8_t {
    shared,
    alone,  ///< A group of its own.
  };

  /// `connection` must outlive it and be used through it only, once there are threads. A thread
  /// waits at most `turn_timeout` for its turn.
  /// `usual` is what most changes ask for: a group that others will join begins with it.
  GroupWriter(Connection& connection, std::chrono::milliseconds turn_timeout, Durability usual,
              Hooks hooks)
      : connection_(connection),
        turn_timeout_(turn_timeout),
        usual_(usual),
        hooks_(std::move(hooks)) {}

  /// The connection outside of a transaction, for this thread alone.
  class Turn {
   public:
    explicit Turn(GroupWriter& writer);
    Turn(const Turn&) = delete;
    Turn(Turn&&) = delete;
    Turn& operator=(const Turn&) = delete;
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    GroupWriter& writer_;
  };

  /// A change, rolled back at the end of its scope unless committed.
  class Change {
   public:
    /// Throws StoreError if it does not get its turn, or no transaction may begin.
    Change(GroupWriter& writer, Durability durability, Company company = Company::shared);
    Change(const Change&) = delete;
    Change(Change&&) = delete;
    Change& operator=(const Change&) = delete;
    Change& operator=(Change&&) = delete;
    ~Change();

    [[nodiscard]] Connection& connection() const noexcept { return writer_.connection_; }
    /// Returns when the group is durable; the connection is another thread's by then. What was
    /// only read also has to be committed before it is told to anybody: it may be a change of the
    /// same group.
    void commit();

   private:
    GroupWriter& writer_;
    bool is_over_ = false;
  };

  /// How many threads wait for their turn. Any thread.
  [[nodiscard]] std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

  /// How long the present turn has lasted; 0 if nobody has it. Any thread.
  [[nodiscard]] std::chrono::milliseconds held_for(
      std::chrono::steady_clock::time_point now) const {
    const std::lock_guard lock(mutex_);
    if (!is_taken_) return std::chrono::milliseconds(0);
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - taken_at_);
  }

 private:
  struct Group {
    Durability durability = Durability::power_loss;
    bool is_closed = false;   // Takes no more members. The turn's holder only.
    std::size_t members = 0;  // Whose savepoint is released. The turn's holder only.
    std::condition_variable over;
    bool is_over = false;  // With `failure` under the mutex.
    std::exception_ptr failure;
  };

  void take_turn();
  void enter(Durability durability, Company company);
  void join();
  void abandon() noexcept;
  void pass_on() noexcept;
  void begin(Durability durability, Company company);
  void finish() noexcept;
  void end_group(const std::exception_ptr& failure) noexcept;
  void roll_back_all() noexcept;

  Connection& connection_;
  const std::chrono::milliseconds turn_timeout_;
  const Durability usual_;
  const Hooks hooks_;

  mutable std::mutex mutex_;
  std::condition_variable turn_is_free_;
  bool is_taken_ = false;                             // Under the mutex.
  std::chrono::steady_clock::time_point taken_at_{};  // Under the mutex.
  std::size_t waiting_ = 0;                           // For the turn. Under the mutex.
  std::shared_ptr<Group> group_;  // Its transaction is open. The turn's holder only.
};

}  // namespace order_server::sqlite
