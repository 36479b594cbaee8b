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
#include <string_view>
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

/// How a publish to all shards ended.
struct PublishOutcome {
  std::size_t reached = 0;        ///< Connections that got it or will get it.
  std::size_t failed_shards = 0;  ///< Shards that threw or ended before their turn: publish again.

  /// A callback that takes a count gets the number reached.
  [[nodiscard]] operator std::size_t() const noexcept {  // NOLINT(google-explicit-constructor)
    return reached;
  }
};

template <class Manager>
class Sharded {
 public:
  /// Runs a task on a shard's thread; callable from any thread; keeps the order of one caller.
  using Post = std::function<void(std::function<void()>)>;

  void add(Manager& manager, Post post) { shards_.push_back({&manager, std::move(post)}); }

  [[nodiscard]] std::size_t size() const noexcept { return shards_.size(); }

  /// Sends a change to everyone who may see it, on every shard. O(size of the order) on this
  /// thread. `done(outcome)` runs exactly once, whatever happens: on the shard that is the last to
  /// have sent it, or where the last task is dropped unrun. A shard that throws, or ends before its
  /// turn, counts as failed; publishing the same version again reaches only who has not got it.
  /// Throws only before anything is posted, when memory for the frames runs out; then `done` does
  /// not run. What `done` throws is swallowed.
  void publish(const OrderEvent& event, std::function<void(PublishOutcome)> done = {}) const {
    publish(event, ChangeMessages::all, std::move(done));
  }
  /// As above, with some of the messages alone.
  void publish(const OrderEvent& event, ChangeMessages messages,
               std::function<void(PublishOutcome)> done = {}) const {
    send_to_all(
        prepare_broadcast<typename Manager::TransportType>(event, messages),
        [](Manager& manager, const auto& broadcast) { return manager.publish(broadcast); },
        std::move(done));
  }

  /// Sends a message of the application's own, as `ConnectionManager::send_to_user` and the like
  /// do, on every shard; `done` as for `publish`. Messages of one caller arrive in its order, and
  /// behind what it published before. Throws std::invalid_argument; see `prepare_announcement`.
  void send_to_user(std::string_view user_id, const ApplicationMessage& message,
                    std::function<void(PublishOutcome)> done = {}) const {
    announce(Audience::user, user_id, message, std::move(done));
  }
  void send_to_watchers(std::string_view order_id, const ApplicationMessage& message,
                        std::function<void(PublishOutcome)> done = {}) const {
    announce(Audience::watchers, order_id, message, std::move(done));
  }
  void send_to_organization(std::string_view organization_id, const ApplicationMessage& message,
                            std::function<void(PublishOutcome)> done = {}) const {
    announce(Audience::organization, organization_id, message, std::move(done));
  }

  /// Answers when a connection of a user that is open now last answered a ping: `TimePoint::min()`
  /// if none has yet, nothing if none is open. `ping` also has them all pinged now. `done` runs
  /// exactly once, as that of `publish` does; a shard that threw or ended has heard of nobody.
  void last_heard(const std::string& user_id, bool ping,
                  std::function<void(std::optional<TimePoint>)> done) const {
    const auto poll = std::make_shared<Poll>(shards_.size());
    poll->done = std::move(done);
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      try {
        shards_[i].post([poll, i, manager = shards_[i].manager, user_id, ping] {
          if (ping) manager->ping_user(user_id);
          poll->heard[i] = manager->last_heard(user_id);
        });
      } catch (...) {
        continue;
      }
    }
  }

  /// Closes every connection of a user on every shard. `done(count)` runs exactly once, as that of
  /// `publish` does.
  void disconnect_user(std::string user_id, CloseCode code, std::string reason,
                       std::function<void(std::size_t)> done = {}) const {
    count_on_each([user_id = std::move(user_id), code, reason = std::move(reason)](
                      Manager& manager) { return manager.disconnect_user(user_id, code, reason); },
                  std::move(done));
  }

  /// Closes the connections of one sign-in of a user on every shard; see `Identity::session_id`.
  void disconnect_session(std::string user_id, std::string session_id, CloseCode code,
                          std::string reason, std::function<void(std::size_t)> done = {}) const {
    count_on_each(
        [user_id = std::move(user_id), session_id = std::move(session_id), code,
         reason = std::move(reason)](Manager& manager) {
          return manager.disconnect_session(user_id, session_id, code, reason);
        },
        std::move(done));
  }

  /// Runs `f(manager)` on one shard's own thread. Where that thread has ended `f` is destroyed
  /// instead. Throws what posting throws.
  template <class F>
  void visit(std::size_t shard, F f) const {
    const auto& which = shards_.at(shard);
    which.post([f = std::move(f), manager = which.manager]() mutable { f(*manager); });
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
  /// One message on its way to all shards. Its last owner reports: a task that ran, threw or was
  /// dropped has let go of it in each case.
  template <class Message>
  struct Round {
    Round(Message sent, std::size_t shards) : message(std::move(sent)), failed(shards) {}
    Round(const Round&) = delete;
    Round& operator=(const Round&) = delete;
    Round(Round&&) = delete;
    Round& operator=(Round&&) = delete;
    ~Round() {
      if (!done) return;
      try {
        done({reached.load(std::memory_order_relaxed), failed.load(std::memory_order_relaxed)});
      } catch (...) {  // A destructor can't pass it on; the outcome is the caller's business.
        return;
      }
    }

    const Message message;
    std::atomic<std::size_t> reached{0};
    std::atomic<std::size_t> failed;  ///< Shards that have not sent it.
    std::function<void(PublishOutcome)> done;
  };

  void announce(Audience audience, std::string_view id, const ApplicationMessage& message,
                std::function<void(PublishOutcome)> done) const {
    send_to_all(
        prepare_announcement<typename Manager::TransportType>(audience, id, message),
        [](Manager& manager, const auto& announcement) { return manager.announce(announcement); },
        std::move(done));
  }

  template <class Message, class Send>
  void send_to_all(Message message, Send send, std::function<void(PublishOutcome)> done) const {
    const auto round = std::make_shared<Round<Message>>(std::move(message), shards_.size());
    round->done = std::move(done);
    for (const auto& shard : shards_) {
      try {
        shard.post([round, send, manager = shard.manager] {
          round->reached.fetch_add(send(*manager, round->message), std::memory_order_relaxed);
          round->failed.fetch_sub(1, std::memory_order_relaxed);
        });
      } catch (...) {  // It stays counted as failed; the other shards get theirs.
        continue;
      }
    }
  }

  /// A sum over all shards. Its last owner reports.
  struct Sum {
    Sum() = default;
    Sum(const Sum&) = delete;
    Sum& operator=(const Sum&) = delete;
    Sum(Sum&&) = delete;
    Sum& operator=(Sum&&) = delete;
    ~Sum() {
      if (!done) return;
      try {
        done(total.load(std::memory_order_relaxed));
      } catch (...) {
        return;
      }
    }

    std::atomic<std::size_t> total{0};
    std::function<void(std::size_t)> done;
  };

  template <class F>
  void count_on_each(F f, std::function<void(std::size_t)> done) const {
    const auto sum = std::make_shared<Sum>();
    sum->done = std::move(done);
    const auto shared = std::make_shared<const F>(std::move(f));
    for (const auto& shard : shards_) {
      try {
        shard.post([sum, shared, manager = shard.manager] {
          sum->total.fetch_add((*shared)(*manager), std::memory_order_relaxed);
        });
      } catch (...) {
        continue;
      }
    }
  }

  /// One question to all shards. Its last owner answers.
  struct Poll {
    explicit Poll(std::size_t shards) : heard(shards) {}
    Poll(const Poll&) = delete;
    Poll& operator=(const Poll&) = delete;
    Poll(Poll&&) = delete;
    Poll& operator=(Poll&&) = delete;
    ~Poll() {
      if (!done) return;
      std::optional<TimePoint> newest;
      // An optional without a value is less than any with one.
      for (const auto& one : heard) newest = (std::max)(newest, one);
      try {
        done(newest);
      } catch (...) {
        return;
      }
    }

    std::vector<std::optional<TimePoint>> heard;  // Each shard writes its own.
    std::function<void(std::optional<TimePoint>)> done;
  };

  std::vector<Shard> shards_;
};

}  // namespace ordercast
