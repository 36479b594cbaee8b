// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/broadcast.hpp>
#include <ordercast/clock.hpp>
#include <ordercast/detail/interest.hpp>
#include <ordercast/types.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// One connection manager per I/O thread, one publish for all.
///
/// The caller of `publish` finds out once which shards have recipients for a change, encodes and
/// frames it once, and each of those shards gets one posted task: a change with one watcher wakes
/// one shard, and one that nobody watches is not encoded. Publish a change after it has been
/// committed; then no subscription that begins meanwhile misses it (detail/interest.hpp says why).
/// Locks are held for single look-ups; sending takes none, since shards share immutable data only.
/// A loop that has been woken takes all that is posted until it sleeps again: Asio's writes to its
/// eventfd only if it sleeps, so a burst wakes a shard once.
///
/// `add` every shard before the first use; after that any thread may call all members. The managers
/// and what their `Post` refers to must outlive the last call. Publish the changes of one order on
/// one thread at a time (or order them otherwise): each shard sees them in the order of posting.
namespace ordercast {

/// How a publish to all shards ended.
struct PublishOutcome {
  std::size_t reached = 0;        ///< Connections that got it or will get it.
  std::size_t failed_shards = 0;  ///< Shards with recipients that threw or ended first.

  /// Lets a callback that takes a count get `reached`.
  [[nodiscard]] operator std::size_t() const noexcept {  // NOLINT(google-explicit-constructor)
    return reached;
  }
};

template <class Manager>
class Sharded {
 public:
  /// Runs a task on a shard's thread. Callable from any thread; keeps the order of one caller's
  /// tasks.
  using Post = std::function<void(std::function<void()>)>;

  /// May throw std::bad_alloc.
  void add(Manager& manager, Post post) {
    shards_.push_back({&manager, std::move(post)});
    // A single shard needs no index: everything is for it.
    if (shards_.size() == 2) interest_ = std::make_shared<detail::Interest>();
    if (!interest_) return;
    for (auto i = shards_.size() == 2 ? 0 : shards_.size() - 1; i < shards_.size(); ++i) {
      shards_[i].manager->share_interest({interest_, static_cast<std::uint32_t>(i)});
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return shards_.size(); }

  /// Sends a committed change to everyone who may see it, on every shard. O(size of the order) on
  /// this thread. Calls `done(outcome)` exactly once: on the last shard to send it, wherever the
  /// last task is dropped without running, or before this returns if there is nobody. A shard that
  /// throws, or ends before its turn, counts as failed; when the same version is published again,
  /// only connections that lack it get its `order:updated`, and all get another hint. Throws only
  /// before anything is posted, if memory for the frames runs out; then `done` does not run.
  /// Ignores exceptions from `done`.
  void publish(const OrderEvent& event, std::function<void(PublishOutcome)> done = {}) const {
    publish(event, ChangeMessages::all, std::move(done));
  }
  /// The same, with some of the messages only.
  void publish(const OrderEvent& event, ChangeMessages messages,
               std::function<void(PublishOutcome)> done = {}) const {
    const auto audience = audience_of(event, messages);
    if (audience.shards() == 0) return report(done, PublishOutcome{});
    send_to(
        audience.shards(),
        prepare_broadcast<typename Manager::TransportType>(event, audience.messages()),
        [](Manager& manager, const auto& broadcast) { return manager.publish(broadcast); },
        std::move(done));
  }

  /// Sends an application's message on every shard, like `ConnectionManager::send_to_user` and its
  /// siblings; `done` as for `publish`. Messages of one caller arrive in its order, and after what
  /// it published before. Throws std::invalid_argument; see `prepare_announcement`.
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

  /// Finds out when a visible connection of a user last answered a ping; see
  /// `ConnectionManager::last_heard`. `ping`: also pings all of the user's connections now. Calls
  /// `done` exactly once, as `publish` does; a shard that threw or ended counts as having no
  /// connection.
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

  /// Closes every connection of a user on every shard. Calls `done(count)` exactly once, as
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

  /// Runs `f(manager)` on one shard's thread. If that thread has ended, destroys `f` instead.
  /// Throws what posting throws.
  template <class F>
  void visit(std::size_t shard, F f) const {
    const auto& which = shards_.at(shard);
    which.post([f = std::move(f), manager = which.manager]() mutable { f(*manager); });
  }

  /// Runs `f(manager)` once on each shard's thread. They share `f`, so it must be safe to call from
  /// several threads at once.
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
  using Kind = detail::Interest::Kind;
  using Shards = detail::Interest::Shards;

  /// The shards that have somebody for each of a change's messages.
  struct ChangeAudience {
    Shards updates = 0;
    Shards hints = 0;
    [[nodiscard]] Shards shards() const noexcept { return updates | hints; }
    [[nodiscard]] ChangeMessages messages() const noexcept {
      if (hints == 0) return ChangeMessages::updates;
      return updates == 0 ? ChangeMessages::hints : ChangeMessages::all;
    }
  };

  /// Calls `done`, whose exceptions are the caller's.
  template <class Done, class Outcome>
  static void report(const Done& done, const Outcome& outcome) noexcept {
    if (!done) return;
    try {
      done(outcome);
    } catch (...) {
      return;
    }
  }

  [[nodiscard]] Shards shards_of(Kind kind, std::string_view id) const {
    return interest_ ? interest_->of(kind, id) : ~Shards{0};
  }

  /// Who may get a change, by the rule of `SubscriptionRegistry::for_each_list_watcher`.
  [[nodiscard]] ChangeAudience audience_of(const OrderEvent& event, ChangeMessages wanted) const {
    ChangeAudience audience;
    if (wanted != ChangeMessages::hints) {
      audience.updates = shards_of(Kind::order, event.order_id);
    }
    if (wanted == ChangeMessages::updates) return audience;
    const auto owner = event.owner.view();
    const auto assignee = event.assignee.view();
    const auto organization = event.organization.view();
    audience.hints = shards_of(Kind::everything, {});
    if (!owner.empty()) audience.hints |= shards_of(Kind::user, owner);
    if (!assignee.empty()) audience.hints |= shards_of(Kind::user, assignee);
    if (!organization.empty()) audience.hints |= shards_of(Kind::organization, organization);
    return audience;
  }

  [[nodiscard]] Shards shards_of(Audience audience, std::string_view id) const {
    switch (audience) {
      case Audience::user:
        return shards_of(Kind::user, id);
      case Audience::watchers:
        return shards_of(Kind::order, id);
      case Audience::organization:
        break;
    }
    return shards_of(Kind::organization, id);
  }

  /// One message in flight to its shards. Its last owner reports: a task releases it whether it
  /// ran, threw or was dropped.
  template <class Message>
  struct Round {
    Round(Message sent, std::size_t shards) : message(std::move(sent)), failed(shards) {}
    Round(const Round&) = delete;
    Round& operator=(const Round&) = delete;
    Round(Round&&) = delete;
    Round& operator=(Round&&) = delete;
    ~Round() {
      report(done, PublishOutcome{reached.load(std::memory_order_relaxed),
                                  failed.load(std::memory_order_relaxed)});
    }

    const Message message;
    std::atomic<std::size_t> reached{0};
    std::atomic<std::size_t> failed;  ///< Shards that have not sent it yet.
    std::function<void(PublishOutcome)> done;
  };

  void announce(Audience audience, std::string_view id, const ApplicationMessage& message,
                std::function<void(PublishOutcome)> done) const {
    send_to(
        shards_of(audience, id),
        prepare_announcement<typename Manager::TransportType>(audience, id, message),
        [](Manager& manager, const auto& announcement) { return manager.announce(announcement); },
        std::move(done));
  }

  template <class Message, class Send>
  void send_to(Shards to, Message message, Send send,
               std::function<void(PublishOutcome)> done) const {
    const auto is_asked = [to](std::size_t shard) {
      return (to & detail::Interest::bit_of(shard)) != 0;
    };
    std::size_t asked = 0;
    for (std::size_t i = 0; i < shards_.size(); ++i) asked += is_asked(i) ? 1U : 0U;
    const auto round = std::make_shared<Round<Message>>(std::move(message), asked);
    round->done = std::move(done);
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      if (!is_asked(i)) continue;
      const auto& shard = shards_[i];
      try {
        shard.post([round, send, manager = shard.manager] {
          round->reached.fetch_add(send(*manager, round->message), std::memory_order_relaxed);
          round->failed.fetch_sub(1, std::memory_order_relaxed);
        });
      } catch (...) {  // This shard stays counted as failed; the others continue.
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
    ~Sum() { report(done, total.load(std::memory_order_relaxed)); }

    std::atomic<std::size_t> total{0};
    std::function<void(std::size_t)> done;
  };

  template <class F>
  void count_on_each(F f, std::function<void(std::size_t)> done) const {
    const auto shared = std::make_shared<const F>(std::move(f));
    const auto sum = std::make_shared<Sum>();
    sum->done = std::move(done);  // From here on nothing throws: it will be called.
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

  /// One question to all shards. Its last owner reports the answer.
  struct Poll {
    explicit Poll(std::size_t shards) : heard(shards) {}
    Poll(const Poll&) = delete;
    Poll& operator=(const Poll&) = delete;
    Poll(Poll&&) = delete;
    Poll& operator=(Poll&&) = delete;
    ~Poll() {
      std::optional<TimePoint> newest;
      // An optional without a value is less than any with one.
      for (const auto& one : heard) newest = (std::max)(newest, one);
      report(done, newest);
    }

    std::vector<std::optional<TimePoint>> heard;  // Each shard writes its own.
    std::function<void(std::optional<TimePoint>)> done;
  };

  std::vector<Shard> shards_;
  std::shared_ptr<detail::Interest> interest_;
};

}  // namespace ordercast
