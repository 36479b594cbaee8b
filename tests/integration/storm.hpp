// SPDX-License-Identifier: MIT
#pragma once

#include "order_server.hpp"

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ordercast::test {

/// The statuses of a delivered order.
inline const std::vector<std::string> lifecycle = {"PENDING", "CONFIRMED",        "PREPARING",
                                                   "READY",   "OUT_FOR_DELIVERY", "DELIVERED"};

/// Moves orders through their statuses from several threads until the server is gone, and remembers
/// the last version of each that was answered with 200.
class Storm {
 public:
  Storm(const OrderServer& server, const std::vector<std::string>& ids)
      : Storm(server, ids, versions_of(server, ids)) {}
  /// For a server that may end at any moment. `versions`: the versions known so far.
  Storm(const OrderServer& server, const std::vector<std::string>& ids,
        std::map<std::string, long long> versions)
      : ids_(ids), at_(std::move(versions)) {
    for (std::size_t i = 0; i < writers; ++i) {
      threads_.emplace_back([this, i, api = server.as(demo().admin)] { run(api, i); });
    }
  }
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;
  ~Storm() { join(); }

  [[nodiscard]] std::size_t answered() const noexcept { return answered_; }

  /// Returns when the threads have finished or the server has ended.
  void join() {
    for (auto& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  /// Valid after `join`.
  [[nodiscard]] const std::map<std::string, long long>& acknowledged() const { return at_; }

  [[nodiscard]] static std::map<std::string, long long> versions_of(
      const OrderServer& server, const std::vector<std::string>& ids) {
    std::map<std::string, long long> versions;
    for (const auto& id : ids) versions.emplace(id, integer_of(server.order(id), "version"));
    return versions;
  }

 private:
  /// So many that several changes share a commit.
  static constexpr std::size_t writers = 6;

  void run(const ApiClient& api, std::size_t first) {
    for (std::size_t step = 1; step < lifecycle.size(); ++step) {
      for (std::size_t i = first; i < ids_.size(); i += writers) {
        const auto reply = api.set_status(ids_[i], lifecycle[step]);
        if (reply.status == 0) return;
        if (reply.status != 200) continue;  // An earlier round has done this step.
        ++answered_;
        const std::lock_guard<std::mutex> hold(mutex_);
        at_[ids_[i]] = integer_of(reply.data(), "version");
      }
    }
  }

  std::vector<std::string> ids_;
  std::mutex mutex_;
  std::map<std::string, long long> at_;
  std::atomic<std::size_t> answered_{0};
  std::vector<std::thread> threads_;
};

}  // namespace ordercast::test
