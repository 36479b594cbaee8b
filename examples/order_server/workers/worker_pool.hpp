// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

/// A few threads for work that blocks (database, password hashing), behind a bounded queue: an I/O
/// thread hands work over and never waits.
namespace order_server {

class WorkerPool {
 public:
  using Task = std::function<void()>;

  /// Starts `threads` threads (at least one). `capacity` is how many tasks may wait, delayed ones
  /// included; running ones don't count. `name` is for logs.
  WorkerPool(std::string name, std::size_t threads, std::size_t capacity);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();

  /// Queues `task`; false when the queue is full or the pool has been stopped, and then the task is
  /// dropped unrun. Any thread; never blocks. Tasks start in the order in which they were queued.
  /// An exception that escapes a task is logged and goes no further.
  [[nodiscard]] bool submit(Task task);

  /// The same for a task that should start after `delay`.
  [[nodiscard]] bool submit_after(std::chrono::milliseconds delay, Task task);

  /// Runs what waits, delayed tasks at once, then ends the threads. Nothing can be queued after it.
  /// Idempotent; not from a task.
  void stop();

  /// Tasks that wait. Any thread.
  [[nodiscard]] std::size_t waiting() const;

 private:
  void work();
  [[nodiscard]] Task next_task();

  const std::string name_;
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> ready_;                             // under mutex_
  std::multimap<ordercast::TimePoint, Task> delayed_;  // under mutex_
  bool stopping_ = false;                              // under mutex_
  std::vector<std::thread> threads_;
};

}  // namespace order_server
