// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

/// A few threads for work that blocks (database, password hashing), behind a bounded queue: an I/O
/// thread hands work over and never waits.
namespace order_server {

/// One piece of work and on whose behalf it is done.
struct Job {
  std::function<void()> run;
  std::string owner;      ///< Whose turn it takes: a user, an address. "": the server itself.
  std::size_t bytes = 0;  ///< What it holds in memory while it waits.
  /// Runs instead of `run`, on the thread of a later submitter, if the queue is full and this owner
  /// has more of it than that submitter; then null means that the job is just dropped. Also if the
  /// job has waited for too long; then null means that it runs all the same.
  std::function<void()> refused;
  ordercast::TimePoint queued_at{};  ///< Set by the pool.
};

/// What may wait.
struct QueueLimits {
  std::size_t jobs = 1024;                    ///< Delayed ones included; running ones don't count.
  std::size_t bytes = std::size_t{16} << 20;  ///< Sum of `Job::bytes`.
  /// A job that has waited longer is refused when its turn comes: where each takes seconds, because
  /// the database is locked, all who wait get their answer at once. 0: none is.
  std::chrono::milliseconds wait{0};
};

/// Owners take turns: each thread takes the oldest job of the owner whose turn is next, so that an
/// owner waits for at most one job of each other owner, however many those have queued. An owner
/// other than "" runs on at most half of the threads (at least one), so that a slow one leaves
/// threads to the others. A full queue takes from the owner with the most in it.
class WorkerPool {
 public:
  using Task = std::function<void()>;

  /// For `niceness`: work that comes in crowds, and work that also takes long.
  static constexpr int yielding = 5;
  static constexpr int polite = 10;

  /// Starts `threads` threads (at least one). `name` is for logs. Where other threads of the
  /// machine have work, these get less of the processor by `niceness` (setpriority(2), 0 to 19); a
  /// system that knows no niceness of a thread ignores it.
  WorkerPool(std::string name, std::size_t threads, QueueLimits limits, int niceness = 0);
  WorkerPool(std::string name, std::size_t threads, std::size_t capacity, int niceness = 0)
      : WorkerPool(std::move(name), threads, QueueLimits{capacity}, niceness) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();

  /// Queues `job`; false if the queue is full and no other owner has more of it, or if the pool has
  /// been stopped: then the job is dropped, and neither `run` nor `refused` is called. Any thread;
  /// never blocks. Jobs of one owner start in the order in which they were queued. An exception
  /// that escapes a job is logged and goes no further.
  [[nodiscard]] bool submit(Job job);
  /// The same for the server itself.
  [[nodiscard]] bool submit(Task task);

  /// The same for a task that should start after `delay`.
  [[nodiscard]] bool submit_after(std::chrono::milliseconds delay, Task task);

  /// Runs what waits, delayed tasks at once, then ends the threads. Nothing can be queued after it.
  /// Idempotent; not from a task.
  void stop();

  /// Jobs that wait. Any thread.
  [[nodiscard]] std::size_t waiting() const;

  /// How long every thread has been at its task, none of them ending; 0 while one is free. Any
  /// thread.
  [[nodiscard]] std::chrono::milliseconds still_for(ordercast::TimePoint now) const;

 private:
  /// What one owner has waiting and running. Forgotten when both are nothing.
  struct Owner {
    std::deque<Job> jobs;
    std::size_t bytes = 0;
    std::size_t running = 0;
  };
  using Owners = std::unordered_map<std::string, Owner>;

  void work(int niceness);
  /// Waits for the next job; false once the pool has stopped and nothing waits.
  [[nodiscard]] bool next_job(Job& job);
  [[nodiscard]] bool has_waited_too_long(const Job& job) const;
  /// Takes the job whose turn it is; false if nobody may run one now.
  [[nodiscard]] bool take(Job& job);
  void finished(const std::string& owner);
  void run(const Task& task) const;

  void push(Job job);
  void move_due();
  [[nodiscard]] bool is_full(std::size_t more_bytes) const;
  /// Takes the newest job of the owner that has the most, if that is more than `owner` would have
  /// with `bytes` more; false if nobody has.
  [[nodiscard]] bool evict(const std::string& owner, std::size_t bytes, Job& victim);
  [[nodiscard]] std::size_t waiting_locked() const { return ready_ + delayed_.size(); }

  const std::string name_;
  const QueueLimits limits_;
  const std::size_t most_running_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // All below under mutex_.
  Owners owners_;
  std::list<Owners::value_type*> turns_;  // Owners with jobs, the next one first.
  std::size_t ready_ = 0;
  std::size_t bytes_ = 0;
  std::multimap<ordercast::TimePoint, Task> delayed_;
  bool stopping_ = false;
  std::size_t busy_ = 0;             // Threads that are at a task.
  ordercast::TimePoint moved_at_{};  // Last start or end of one.
  std::vector<std::thread> threads_;
};

}  // namespace order_server
