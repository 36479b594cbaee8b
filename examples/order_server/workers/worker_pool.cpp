// SPDX-License-Identifier: MIT
#include "workers/worker_pool.hpp"

#include "domain/printable.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace order_server {

WorkerPool::WorkerPool(std::string name, std::size_t threads, std::size_t capacity)
    : name_(std::move(name)), capacity_(capacity) {
  threads = std::max<std::size_t>(threads, 1);
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() {
  stop();
}

bool WorkerPool::submit(Task task) {
  return submit_after(std::chrono::milliseconds(0), std::move(task));
}

bool WorkerPool::submit_after(std::chrono::milliseconds delay, Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || ready_.size() + delayed_.size() >= capacity_) return false;
    if (delay.count() <= 0) {
      ready_.push_back(std::move(task));
    } else {
      delayed_.emplace(ordercast::SteadyClock{}.now() + delay, std::move(task));
    }
  }
  changed_.notify_one();
  return true;
}

void WorkerPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

std::size_t WorkerPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return ready_.size() + delayed_.size();
}

WorkerPool::Task WorkerPool::next_task() {
  std::unique_lock lock(mutex_);
  for (;;) {
    // While stopping nothing is worth waiting for.
    const auto due = stopping_ ? ordercast::TimePoint::max() : ordercast::SteadyClock{}.now();
    while (!delayed_.empty() && delayed_.begin()->first <= due) {
      ready_.push_back(std::move(delayed_.begin()->second));
      delayed_.erase(delayed_.begin());
    }
    if (!ready_.empty()) {
      Task task = std::move(ready_.front());
      ready_.pop_front();
      return task;
    }
    if (stopping_) return nullptr;
    if (delayed_.empty()) {
      changed_.wait(lock);
    } else {
      const auto until = delayed_.begin()->first;
      changed_.wait_until(lock, until);
    }
  }
}

void WorkerPool::work() {
  while (Task task = next_task()) {
    try {
      task();
    } catch (const std::exception& error) {
      spdlog::error("{} worker: {}", name_, printable(error.what()));
    } catch (...) {
      spdlog::error("{} worker: unknown exception", name_);
    }
  }
}

}  // namespace order_server
