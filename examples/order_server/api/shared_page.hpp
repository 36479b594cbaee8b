// SPDX-License-Identifier: MIT
#pragma once

#include "api/envelope.hpp"
#include <ordercast/clock.hpp>
#include <ordercast/http.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace order_server {

/// A page that is expensive to render. Renders it at most once an interval, however many requests
/// come. A request gets a rendering that started after it, so the page is never stale; requests
/// that wait share one. Any thread.
class SharedPage {
 public:
  using Respond = std::function<void(ordercast::HttpResponse)>;
  using Render = std::function<ordercast::HttpResponse()>;
  /// Runs a task after a delay, on a thread that may block. Returns false if it can't.
  using Later = std::function<bool(std::chrono::milliseconds delay, std::function<void()>)>;

  /// Refuses a request with 503 while `most_waiting` others wait.
  SharedPage(Render render, Later later, std::function<ordercast::TimePoint()> now,
             std::chrono::milliseconds interval, std::size_t most_waiting)
      : render_(std::move(render)),
        later_(std::move(later)),
        now_(std::move(now)),
        interval_(interval),
        most_waiting_(most_waiting) {}

  /// Calls `answer` once: on the rendering thread, or at once with 503.
  void ask(Respond answer) {
    std::optional<std::chrono::milliseconds> delay;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.size() < most_waiting_) {
        waiting_.push_back(std::exchange(answer, {}));
        if (!std::exchange(is_scheduled_, true)) delay = until_next();
      }
    }
    if (answer) return answer(busy());
    if (!delay || later_(*delay, [this] { run(); })) return;
    std::vector<Respond> refused;
    {
      const std::lock_guard lock(mutex_);
      refused.swap(waiting_);
      is_scheduled_ = false;
    }
    for (const auto& each : refused) each(busy());
  }

 private:
  static ordercast::HttpResponse busy() {
    return retry_later(503, "The server is overloaded", std::chrono::seconds(1));
  }

  std::chrono::milliseconds until_next() const {
    if (!began_) return std::chrono::milliseconds(0);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*began_ + interval_ - now_());
    return std::max(left, std::chrono::milliseconds(0));
  }

  void run() {
    std::vector<Respond> asked;
    {
      const std::lock_guard lock(mutex_);
      asked.swap(waiting_);
      is_scheduled_ = false;
      began_ = now_();
    }
    auto page = [this] {
      try {
        return render_();
      } catch (const std::exception&) {
        return busy();
      }
    }();
    for (const auto& each : asked) each(page);
  }

  const Render render_;
  const Later later_;
  const std::function<ordercast::TimePoint()> now_;
  const std::chrono::milliseconds interval_;
  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::vector<Respond> waiting_;               // under mutex_
  bool is_scheduled_ = false;                  // under mutex_
  std::optional<ordercast::TimePoint> began_;  // under mutex_: the last rendering
};

}  // namespace order_server
