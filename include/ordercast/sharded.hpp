// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/broadcast.hpp>
#include <ordercast/clock.hpp>
#include <ordercast/types.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// One connection manager per I/O thread, one publish for all.
///
/// A change is encoded and framed once, by the caller of `publish`, and each shard gets one posted
/// task; what the shards share is immutable, so nothing is locked on the way. `add` every shard
/// before the first use; after that all members may be called from any thread. The managers and
/// what their `Post` refers to must outlive the last call. Changes of one order must be published
/// by one thread at a time (or be ordered otherwise): each shard sees them in the order of posting.
namespace ordercast {

template <class Manager>
class Sharded {
 public:
  /// Runs a task on a shard's thread; callable from any thread; keeps the order of one caller.
  using Post = std::function<void(std::function<void()>)>;

  void add(Manager& manager, Post post) { shards_.push_back({&manager, std::move(post)}); }

  [[nodiscard]] std::size_t size() const noexcept { return shards_.size(); }

  /// Sends a change to everyone who may see it, on every shard. O(size of the order) on this
  /// thread. `done(reached)` runs once, on the shard that is the last to have sent it; it does not
  /// run when a shard ends before its turn.
  void publish(const OrderEvent& event, std::function<void(std::size_t)> done = {}) const {
    auto round = std::make_shared<Round>();
    round->broadcast = prepare_broadcast<typename Manager::TransportType>(event);
    round->left.store(shards_.size(), std::memory_order_relaxed);
    round->done = std::move(done);
    for (const auto& shard : shards_) {
      shard.post([round, manager = shard.manager] {
        round->reached.fetch_add(manager->publish(round->broadcast), std::memory_order_relaxed);
        if (round->left.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        if (round->done) round->done(round->reached.load(std::memory_order_relaxed));
      });
    }
  }

  /// Answers when a connection of a user that is open now last answered a ping: `TimePoint::min()`
  /// if none has yet, nothing if none is open. `ping` also has them all pinged now. `done` runs
  /// once, on the shard that answers last; it does not run when a shard ends before its turn.
  void last_heard(const std::string& user_id, bool ping,
                  std::function<void(std::optional<TimePoint>)> done) const {
    struct Poll {
      std::vector<std::optional<TimePoint>> heard;  // each shard writes its own
      std::atomic<std::size_t> left{0};
      std::function<void(std::optional<TimePoint>)> done;
    };
    auto poll = std::make_shared<Poll>();
    poll->heard.resize(shards_.size());
    poll->left.store(shards_.size(), std::memory_order_relaxed);
    poll->done = std::move(done);
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      shards_[i].post([poll, i, manager = shards_[i].manager, user_id, ping] {
        if (ping) manager->ping_user(user_id);
        poll->heard[i] = manager->last_heard(user_id);
        if (poll->left.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        // An optional without a value is less than any with one.
        poll->done(*std::max_element(poll->heard.begin(), poll->heard.end()));
      });
    }
  }

  /// Runs `f(manager)` once on each shard's own thread. `f` is shared by them: it must be safe to
  /// call from several threads at once.
  template <class F>
  void for_each(F f) const {
    const auto shared = std::make_shared<const F>(std::move(f));
    for (const auto& shard : shards_) {
      shard.post([shared, manager = shard.manager] { (*shared)(*manager); });
    }
  }

 private:
  struct Shard {
    Manager* manager;
    Post post;
  };
  struct Round {
    Broadcast<typename Manager::Frame> broadcast;
    std::atomic<std::size_t> left{0};
    std::atomic<std::size_t> reached{0};
    std::function<void(std::size_t)> done;
  };

  std::vector<Shard> shards_;
};

}  // namespace ordercast
