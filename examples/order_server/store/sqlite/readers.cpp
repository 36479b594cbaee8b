// SPDX-License-Identifier: MIT
#include "store/sqlite/readers.hpp"

#include "store/store.hpp"

#include <string>
#include <utility>

namespace order_server::sqlite {
namespace {

/// Reads take milliseconds. One that takes longer is not waited for: the log is emptied later.
constexpr std::chrono::milliseconds reads_end_within{250};

}  // namespace

ReaderPool::Lease::Lease(ReaderPool& pool) : pool_(pool) {
  std::unique_lock lock(pool_.mutex_);
  // Reads take milliseconds, and each other wait for a database has this deadline too.
  if (!pool_.returned_.wait_for(lock, pool_.patience_,
                                [this] { return !pool_.paused_ && !pool_.idle_.empty(); })) {
    throw StoreError("cannot read the database: all " + std::to_string(pool_.all_) +
                     " connections have been busy for " + std::to_string(pool_.patience_.count()) +
                     " ms");
  }
  pool_.before_lease_();
  connection_ = std::move(pool_.idle_.back());
  pool_.idle_.pop_back();
}

ReaderPool::Lease::~Lease() {
  {
    const std::lock_guard lock(pool_.mutex_);
    pool_.idle_.push_back(std::move(connection_));
  }
  pool_.returned_.notify_all();
}

void ReaderPool::add(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(connection));
  all_ = idle_.size();
  idle_.reserve(all_);  // so that giving one back never fails
}

ReaderPool::Pause::Pause(ReaderPool& pool) : pool_(pool) {
  std::unique_lock lock(pool_.mutex_);
  pool_.paused_ = true;
  pool_.returned_.wait_for(lock, reads_end_within,
                           [this] { return pool_.idle_.size() == pool_.all_; });
}

ReaderPool::Pause::~Pause() {
  {
    const std::lock_guard lock(pool_.mutex_);
    pool_.paused_ = false;
  }
  pool_.returned_.notify_all();
}

}  // namespace order_server::sqlite
