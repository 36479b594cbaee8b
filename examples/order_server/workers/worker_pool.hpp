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

/// A few threads for blocking work (database, password hashing) behind a bounded queue. An I/O
/// thread queues work and never waits.
namespace order_server {

/// A piece of work and its owner.
struct Job {
  std::function<void()> run;
  std::string owner;      ///< A user or an address; owners take turns. "": the server itself.
  std::size_t bytes = 0;  ///< Memory that it holds while it waits.
  /// Runs instead of `run` in two cases. If the queue is full and a later submitter's owner has
  /// less in it, runs on that submitter's thread; if null, the job is dropped. If the job has
  /// waited longer than `QueueLimits::wait`, runs on a worker; if null, `run` runs as usual.
  std::function<void()> refused;
  ordercast::TimePoint queued_at{};  ///< Set by the pool.
};

/// Bounds of the queue.
struct QueueLimits {
  std::size_t jobs = 1024;                    ///< Includes delayed jobs; running jobs don't count.
  std::size_t bytes = std::size_t{16} << 20;  ///< Sum of `Job::bytes`.
  /// Refuses a job that has waited longer than this when its turn comes. If every job takes seconds
  /// because the database is locked, all waiting clients then get an answer at once. 0: no limit.
  std::chrono::milliseconds wait{0};
};

/// Owners take turns: a thread takes the oldest job of the next owner, so an owner waits for at
/// most one job of each other owner, however many those have queued. An owner other than "" uses at
/// most half of the threads (at least one), so a slow owner leaves threads for others. A full queue
/// evicts a job of the owner with the most in it.
class WorkerPool {
 public:
  using Task = std::function<void()>;
  using Now = std::function<ordercast::TimePoint()>;

  /// Values for `niceness`: for work that comes in bursts, and for work that also takes long.
  static constexpr int yielding = 5;
  static constexpr int polite = 10;

  /// Starts `threads` threads (at least one). `name` is for logs. `niceness` (setpriority(2), 0 to
  /// 19) lowers their priority; a system without a niceness for each thread ignores it.
  /// `now` tells the time, on any thread.
  WorkerPool(
      std::string name, std::size_t threads, QueueLimits limits, int niceness = 0,
      Now now = [] { return ordercast::SteadyClock{}.now(); });
  WorkerPool(std::string name, std::size_t threads, std::size_t capacity, int niceness = 0)
      : WorkerPool(std::move(name), threads, QueueLimits{capacity}, niceness) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();

  /// Queues `job`. Returns false, and calls neither `run` nor `refused`, if the queue is full and
  /// no other owner has more in it, or if the pool has stopped. Any thread; never blocks. Jobs of
  /// one owner start in the order in which they were queued. Logs an exception that escapes a job.
  [[nodiscard]] bool submit(Job job);
  /// The same for a task of the server itself.
  [[nodiscard]] bool submit(Task task);

  /// The same for a task that starts after `delay`.
  [[nodiscard]] bool submit_after(std::chrono::milliseconds delay, Task task);

  /// Runs all waiting jobs, delayed ones at once, then ends the threads. Nothing can be queued
  /// after it. Idempotent; never call it from a task.
  void stop();

  /// How many jobs wait. Any thread.
  [[nodiscard]] std::size_t waiting() const;

  /// Returns how long all threads have been busy without any task ending; 0 while one is free. Any
  /// thread.
  [[nodiscard]] std::chrono::milliseconds still_for(ordercast::TimePoint now) const;

 private:
  /// The waiting and running jobs of one owner. Removed when there are none.
  struct Owner {
    std::deque<Job> jobs;
    std::size_t bytes = 0;
    std::size_t running = 0;
  };
  using Owners = std::unordered_map<std::string, Owner>;

  void work(int niceness);
  /// Waits for the next job. Returns false once the pool has stopped and nothing waits.
  [[nodiscard]] bool next_job(Job& job);
  [[nodiscard]] bool has_waited_too_long(const Job& job) const;
  /// Takes the next owner's job. Returns false if no owner may run one now.
  [[nodiscard]] bool take(Job& job);
  void finished(const std::string& owner);
  void run(const Task& task) const;

  void push(Job job);
  void move_due();
  [[nodiscard]] bool is_full(std::size_t more_bytes) const;
  /// Evicts the newest job of the owner that has the most, if that is more than `owner` would have
  /// with `bytes` more. Returns false if no one else has more.
  [[nodiscard]] bool evict(const std::string& owner, std::size_t bytes, Job& victim);
  [[nodiscard]] std::size_t waiting_locked() const { return ready_ + delayed_.size(); }

  const std::string name_;
  const QueueLimits limits_;
  const Now now_;
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
  std::size_t busy_ = 0;             // Threads that run a task.
  ordercast::TimePoint moved_at_{};  // The last start or end of a task.
  std::vector<std::thread> threads_;
};

}  // namespace order_server
