// SPDX-License-Identifier: MIT
#include "store/postgres/pool.hpp"

#include <algorithm>
#include <utility>

namespace order_server::postgres {

using Clock = std::chrono::steady_clock;

Pool::Pool(Address address, std::string name, PoolOptions options, Prepare prepare)
    : address_(std::move(address)),
      name_(std::move(name)),
      options_([&options] {
        options.connections = std::max<std::size_t>(options.connections, 1);
        return options;
      }()),
      prepare_(std::move(prepare)),
      backoff_(options_.backoff) {
  idle_.reserve(options_.connections);  // so that giving one back never fails
}

Pool::Lease::Lease(Pool& pool, TimePoint deadline) : pool_(pool), connection_(pool.take(deadline)) {
  connection_->set_deadline(deadline);
}

Pool::Lease::~Lease() {
  pool_.give_back(std::move(connection_));
}

std::unique_ptr<Connection> Pool::take(TimePoint deadline) {
  Lock lock(mutex_);
  const auto until = std::min(deadline, Clock::now() + options_.turn_timeout);
  for (;;) {
    if (auto connection = take_idle(lock)) return connection;
    if (may_connect()) {
      if (auto connection = connect(lock, deadline)) return connection;
      continue;
    }
    const auto now = Clock::now();
    // Without any open connection none will be given back, so waiting is pointless.
    const bool is_away = failures_ > 0 && open_ == 0;
    if (is_away) throw Error(Fault::lost, last_failure_);
    if (now >= until) break;
    const bool is_held_up = failures_ > 0 && connecting_ == 0 && next_attempt_ > now;
    changed_.wait_until(lock, is_held_up ? std::min(until, next_attempt_) : until);
  }
  throw Error(Fault::late, "cannot use " + name_ + ": all " + std::to_string(options_.connections) +
                               " connections have been busy for " +
                               std::to_string(options_.turn_timeout.count()) + " ms" +
                               (failures_ > 0 ? "; " + last_failure_ : ""));
}

std::unique_ptr<Connection> Pool::take_idle(Lock& lock) {
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->is_idle()) return connection;
    --open_;
    lock.unlock();
    connection.reset();  // ends the session at the server
    lock.lock();
  }
  return nullptr;
}

bool Pool::may_connect() const {
  if (open_ + connecting_ >= options_.connections) return false;
  return failures_ == 0 || (connecting_ == 0 && Clock::now() >= next_attempt_);
}

std::unique_ptr<Connection> Pool::connect(Lock& lock, TimePoint deadline) {
  ++connecting_;
  lock.unlock();
  std::unique_ptr<Connection> connection;
  std::string failure;
  try {
    connection = std::make_unique<Connection>(
        address_, name_, std::min(deadline, Clock::now() + options_.connect_timeout));
    prepare_(*connection);
  } catch (const StoreError& error) {
    connection.reset();
    failure = error.what();
  }
  lock.lock();
  --connecting_;
  if (connection) {
    ++open_;
    failures_ = 0;
  } else {
    last_failure_ = std::move(failure);
    next_attempt_ = Clock::now() + backoff_.delay(++failures_);
  }
  changed_.notify_all();
  return connection;
}

void Pool::give_back(std::unique_ptr<Connection> connection) noexcept {
  const bool is_good = connection->is_idle();
  if (!is_good) connection.reset();
  {
    const std::lock_guard lock(mutex_);
    if (is_good) {
      idle_.push_back(std::move(connection));
    } else {
      --open_;
    }
  }
  changed_.notify_all();  // callers that wait for the last connection may learn that none is left
}

}  // namespace order_server::postgres
