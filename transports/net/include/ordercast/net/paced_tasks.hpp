// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

/// Runs the tasks of other threads on an event loop, a few at a time: when a crowd's answers all
/// come at once, what is posted to the loop itself waits for these few.
///
/// Any thread. Tasks run in the order in which they were posted. Those that wait when the loop
/// drops what it was to run are dropped with it, so a task may hold what it was posted with.
namespace ordercast::net {

class PacedTasks : public std::enable_shared_from_this<PacedTasks> {
 public:
  using Task = std::function<void()>;
  /// Posts one task to the loop, from any thread.
  using Post = std::function<void(Task)>;

  explicit PacedTasks(Post to_loop) : to_loop_(std::move(to_loop)) {}

  /// If memory runs out it throws, and the task runs with the next one. What a task throws goes to
  /// the loop, and ends nothing here.
  void post(Task task) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      tasks_.push_back(std::move(task));
      if (scheduled_) return;
      scheduled_ = true;
    }
    try {
      schedule();
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      scheduled_ = false;
      throw;
    }
  }

 private:
  static constexpr std::size_t tasks_a_turn = 32;

  /// What the loop gets. Dropped without having run, it drops the tasks.
  struct Turn {
    explicit Turn(std::shared_ptr<PacedTasks> owner) : tasks(std::move(owner)) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (is_posted && !has_run) tasks->drop();
    }
    const std::shared_ptr<PacedTasks> tasks;
    bool is_posted = false;  // If not, the next post tries again.
    bool has_run = false;
  };

  void schedule() {
    const auto turn = std::make_shared<Turn>(shared_from_this());
    to_loop_([turn] {
      turn->has_run = true;
      turn->tasks->run();
    });
    turn->is_posted = true;
  }

  void drop() noexcept {
    for (Task task; take(task);) {
    }
  }

  /// Takes the oldest task and destroys the last one, which may post, without the lock. False if
  /// none is left: then the next post schedules.
  bool take(Task& task) noexcept {
    task = nullptr;
    const std::lock_guard<std::mutex> lock(mutex_);
    scheduled_ = !tasks_.empty();
    if (!scheduled_) return false;
    task = std::move(tasks_.front());
    tasks_.pop_front();
    return true;
  }

  void run() {
    // Goes on behind what was posted meanwhile, whatever a task throws.
    struct Next {
      explicit Next(PacedTasks& owner) : tasks(owner) {}
      Next(const Next&) = delete;
      Next& operator=(const Next&) = delete;
      ~Next() { tasks.go_on(); }
      PacedTasks& tasks;
    } const next(*this);
    for (std::size_t i = 0; i < tasks_a_turn; ++i) {
      Task task;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (tasks_.empty()) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }

  void go_on() noexcept {
    try {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        scheduled_ = !tasks_.empty();
        if (!scheduled_) return;
      }
      schedule();
    } catch (...) {  // Out of memory: the next post tries again.
      const std::lock_guard<std::mutex> lock(mutex_);
      scheduled_ = false;
    }
  }

  const Post to_loop_;
  std::mutex mutex_;
  std::deque<Task> tasks_;  // Guarded by mutex_, as is `scheduled_`.
  bool scheduled_ = false;
};

}  // namespace ordercast::net
