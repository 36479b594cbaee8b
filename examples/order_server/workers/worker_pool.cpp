// SPDX-License-Identifier: MIT
#include "workers/worker_pool.hpp"

#include "domain/printable.hpp"
#include "process/crash_report.hpp"
#include "workers/fail_point.hpp"

#include <spdlog/spdlog.h>
#ifdef __linux__
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <exception>
#include <utility>

namespace order_server {

namespace {

/// Affects this thread only: on Linux each thread has its own niceness, unlike in POSIX.
void be_nice(int niceness) noexcept {
#ifdef __linux__
  if (niceness == 0) return;
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  // A container may forbid it; then the threads compete like all others.
  static_cast<void>(::setpriority(PRIO_PROCESS, thread, ::getpriority(PRIO_PROCESS, 0) + niceness));
#else
  static_cast<void>(niceness);
#endif
}

}  // namespace

WorkerPool::WorkerPool(std::string name, std::size_t threads, QueueLimits limits, int niceness,
                       Now now)
    : name_(std::move(name)),
      limits_(limits),
      now_(std::move(now)),
      most_running_(std::max<std::size_t>(threads / 2, 1)) {
  threads = std::max<std::size_t>(threads, 1);
  threads_.reserve(threads);
  try {
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this, niceness] { work(niceness); });
    }
  } catch (...) {  // A limit on threads or memory: end the threads that have started.
    stop();
    throw;
  }
}

WorkerPool::~WorkerPool() {
  stop();
}

bool WorkerPool::submit(Job job) {
  std::vector<Job> victims;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || job.bytes > limits_.bytes) return false;
    job.queued_at = now_();
    while (is_full(job.bytes)) {
      Job victim;
      if (!evict(job.owner, job.bytes, victim)) break;
      victims.push_back(std::move(victim));
    }
    if (is_full(job.bytes)) {
      // Put the jobs that were evicted in vain back at the end of their queue.
      for (auto victim = victims.rbegin(); victim != victims.rend(); ++victim) {
        push(std::move(*victim));
      }
      return false;
    }
    push(std::move(job));
  }
  changed_.notify_one();
  for (const auto& victim : victims) {
    if (victim.refused) run(victim.refused);
  }
  return true;
}

bool WorkerPool::submit(Task task) {
  return submit(Job{std::move(task), {}, 0, nullptr, {}});
}

bool WorkerPool::submit_after(std::chrono::milliseconds delay, Task task) {
  if (delay.count() <= 0) return submit(std::move(task));
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || is_full(0)) return false;
    delayed_.emplace(now_() + delay, std::move(task));
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
  return waiting_locked();
}

std::chrono::milliseconds WorkerPool::still_for(ordercast::TimePoint now) const {
  const std::lock_guard lock(mutex_);
  if (busy_ < threads_.size()) return std::chrono::milliseconds(0);
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - moved_at_);
}

bool WorkerPool::is_full(std::size_t more_bytes) const {
  return waiting_locked() >= limits_.jobs || more_bytes > limits_.bytes - bytes_;
}

void WorkerPool::push(Job job) {
  auto& entry = *owners_.try_emplace(job.owner).first;
  Owner& owner = entry.second;
  if (owner.jobs.empty()) turns_.push_back(&entry);
  owner.bytes += job.bytes;
  bytes_ += job.bytes;
  ++ready_;
  owner.jobs.push_back(std::move(job));
}

bool WorkerPool::evict(const std::string& owner, std::size_t bytes, Job& victim) {
  const auto found = owners_.find(owner);
  const std::size_t own_jobs = found == owners_.end() ? 0 : found->second.jobs.size();
  const std::size_t own_bytes = found == owners_.end() ? 0 : found->second.bytes;
  const bool by_jobs = waiting_locked() >= limits_.jobs;
  const auto has_less = [&](const Owners::value_type* a, const Owners::value_type* b) {
    return by_jobs ? a->second.jobs.size() < b->second.jobs.size()
                   : a->second.bytes < b->second.bytes;
  };
  const auto most = std::max_element(turns_.begin(), turns_.end(), has_less);
  if (most == turns_.end()) return false;
  Owner& other = (*most)->second;
  const bool has_more =
      by_jobs ? other.jobs.size() > own_jobs + 1 : other.bytes > own_bytes + bytes;
  // Never evict the server's own jobs for a client.
  if (!has_more || (*most)->first.empty()) return false;
  victim = std::move(other.jobs.back());
  other.jobs.pop_back();
  other.bytes -= victim.bytes;
  bytes_ -= victim.bytes;
  --ready_;
  if (other.jobs.empty()) {
    const auto* entry = *most;
    turns_.erase(most);
    if (other.running == 0) owners_.erase(entry->first);
  }
  return true;
}

void WorkerPool::move_due() {
  // While stopping, delayed jobs are due at once.
  const auto due = stopping_ ? ordercast::TimePoint::max() : now_();
  while (!delayed_.empty() && delayed_.begin()->first <= due) {
    push(Job{std::move(delayed_.begin()->second), {}, 0, nullptr, {}});
    delayed_.erase(delayed_.begin());
  }
}

bool WorkerPool::take(Job& job) {
  const auto may_run = [&](const Owners::value_type* entry) {
    return entry->first.empty() || entry->second.running < most_running_;
  };
  const auto turn = std::find_if(turns_.begin(), turns_.end(), may_run);
  if (turn == turns_.end()) return false;
  Owner& owner = (*turn)->second;
  job = std::move(owner.jobs.front());
  owner.jobs.pop_front();
  owner.bytes -= job.bytes;
  bytes_ -= job.bytes;
  --ready_;
  ++owner.running;
  if (owner.jobs.empty()) {
    turns_.erase(turn);
  } else {
    turns_.splice(turns_.end(), turns_, turn);
  }
  return true;
}

bool WorkerPool::next_job(Job& job) {
  std::unique_lock lock(mutex_);
  for (;;) {
    move_due();
    if (take(job)) {
      ++busy_;
      moved_at_ = now_();
      return true;
    }
    if (stopping_ && ready_ == 0) return false;
    if (delayed_.empty()) {
      changed_.wait(lock);
    } else {
      changed_.wait_for(lock, delayed_.begin()->first - now_());
    }
  }
}

void WorkerPool::finished(const std::string& owner) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = owners_.find(owner);
    if (--found->second.running == 0 && found->second.jobs.empty()) owners_.erase(found);
    --busy_;
    moved_at_ = now_();
  }
  // Another thread may be waiting for this owner.
  changed_.notify_all();
}

void WorkerPool::run(const Task& task) const {
  try {
    stall_point(name_);
    task();
  } catch (const std::exception& error) {
    spdlog::error("{} worker: {}", name_, printable(error.what()));
  } catch (...) {
    spdlog::error("{} worker: unknown exception", name_);
  }
}

bool WorkerPool::has_waited_too_long(const Job& job) const {
  return limits_.wait.count() > 0 && job.refused && now_() - job.queued_at > limits_.wait;
}

void WorkerPool::work(int niceness) {
  be_nice(niceness);
  use_signal_stack();
  Job job;
  while (next_job(job)) {
    run(has_waited_too_long(job) ? job.refused : job.run);
    const std::string owner = std::move(job.owner);
    job = Job{};  // Free what it holds before it counts as done.
    finished(owner);
  }
}

}  // namespace order_server
