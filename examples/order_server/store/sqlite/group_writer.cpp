// SPDX-License-Identifier: MIT
#include "store/sqlite/group_writer.hpp"

#include "workers/fail_point.hpp"

#include <algorithm>
#include <string>

namespace order_server::sqlite {

GroupWriter::Turn::Turn(GroupWriter& writer) : writer_(writer) {
  writer_.take_turn();
  if (writer_.group_) writer_.finish();
}

GroupWriter::Turn::~Turn() {
  writer_.pass_on();
}

GroupWriter::Change::Change(GroupWriter& writer, Durability durability, Company company)
    : writer_(writer) {
  writer_.enter(durability, company);
}

GroupWriter::Change::~Change() {
  if (!is_over_) writer_.abandon();
}

void GroupWriter::Change::commit() {
  is_over_ = true;
  writer_.join();
}

void GroupWriter::take_turn() {
  std::unique_lock lock(mutex_);
  ++waiting_;
  const bool is_free = turn_is_free_.wait_for(lock, turn_timeout_, [this] { return !is_taken_; });
  --waiting_;
  if (!is_free) {
    throw StoreError("cannot write \"" + connection_.file() + "\": other changes have taken " +
                     std::to_string(turn_timeout_.count()) + " ms");
  }
  is_taken_ = true;
  taken_at_ = std::chrono::steady_clock::now();
}

/// Afterwards this thread has the turn, and a savepoint in the group's transaction.
void GroupWriter::enter(Durability durability, Company company) {
  take_turn();
  try {
    if (group_ &&
        (group_->is_closed || company == Company::alone || group_->durability < durability)) {
      finish();
    }
    if (!group_) begin(durability, company);
    connection_.query("SAVEPOINT change").run();
  } catch (...) {
    pass_on();
    throw;
  }
}

void GroupWriter::begin(Durability durability, Company company) {
  {
    // A change that waits may have to survive more, and could not join a weaker group.
    const std::lock_guard lock(mutex_);
    if (waiting_ > 0 && company == Company::shared) durability = std::max(durability, usual_);
  }
  hooks_.before(durability);
  auto group = std::make_shared<Group>();
  group->durability = durability;
  group->is_closed = company == Company::alone;
  connection_.query("BEGIN IMMEDIATE").run();
  group_ = std::move(group);
}

/// This thread's change is whole. Hands the turn on, and waits for the group's end.
void GroupWriter::join() {
  try {
    connection_.query("RELEASE change").run();
  } catch (...) {
    abandon();
    throw;
  }
  fail_point("group.joined");
  const auto group = group_;
  const bool is_full = ++group->members >= most_members || group->is_closed;
  if (is_full) finish();
  pass_on();
  std::unique_lock lock(mutex_);
  group->over.wait(lock, [&] { return group->is_over; });
  if (!group->failure) return;
  if (group->members == 1) std::rethrow_exception(group->failure);
  try {
    std::rethrow_exception(group->failure);
  } catch (const std::exception& error) {
    throw GroupFailed(error.what());
  }
}

void GroupWriter::abandon() noexcept {
  if (!connection_.is_autocommit()) {
    try {
      connection_.query("ROLLBACK TO change").run();
      connection_.query("RELEASE change").run();
    } catch (const std::exception&) {
      roll_back_all();
    }
  }
  pass_on();
}

/// Gives the turn to the next thread. Commits the group if no thread waits.
void GroupWriter::pass_on() noexcept {
  if (group_ && group_->members == 0) roll_back_all();
  if (group_ && connection_.is_autocommit()) {
    end_group(std::make_exception_ptr(GroupFailed(
        "cannot write \"" + connection_.file() +
        "\": another change of the same commit failed, and the database undid all of it")));
  }
  std::unique_lock lock(mutex_);
  if (group_ && waiting_ == 0) {
    lock.unlock();
    finish();
    lock.lock();
  }
  is_taken_ = false;
  lock.unlock();
  turn_is_free_.notify_one();
}

/// Commits for all members.
void GroupWriter::finish() noexcept {
  std::exception_ptr failure;
  try {
    connection_.query("COMMIT").run();
    fail_point("group.committed");
    hooks_.after();
  } catch (const std::exception&) {
    failure = std::current_exception();
    roll_back_all();
  }
  end_group(failure);
}

void GroupWriter::end_group(const std::exception_ptr& failure) noexcept {
  const auto group = std::exchange(group_, nullptr);
  {
    const std::lock_guard lock(mutex_);
    group->failure = failure;
    group->is_over = true;
  }
  group->over.notify_all();
}

void GroupWriter::roll_back_all() noexcept {
  if (connection_.is_autocommit()) return;  // After some errors SQLite has rolled back by itself.
  try {
    connection_.query("ROLLBACK").run();
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
    // A rollback fails only where the next statement will, too; that one reports it.
  }
}

}  // namespace order_server::sqlite
