// SPDX-License-Identifier: MIT
#pragma once

#include "support/models/choices.hpp"
#include <ordercast/sharded.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// `Sharded` against lists of what each shard was sent: loops that stand still, are full, end with
/// tasks unrun; managers that throw; callbacks that call again, throw, or destroy all of it.
namespace ordercast::test {

/// A manager that notes what it is asked, on a loop that runs nothing until it is told to.
class ModelShard {
 public:
  struct TransportType {
    using Frame = std::string;
    static Frame prepare(std::string text) { return text; }
  };
  struct Task {
    std::size_t round;
    std::function<void()> run;
  };
  struct Noted {
    std::size_t round;
    std::size_t reached;
    std::optional<TimePoint> heard;
  };

  // A manager's functions.
  std::size_t publish(const Broadcast<std::string>& broadcast) { return note(broadcast.order_id); }
  std::size_t announce(const Announcement<std::string>& sent) { return note(sent.id); }
  std::size_t disconnect_user(std::string_view user_id, CloseCode /*code*/,
                              std::string_view /*reason*/) {
    return note(user_id);
  }
  void ping_user(std::string_view /*user_id*/) {}
  [[nodiscard]] std::optional<TimePoint> last_heard(std::string_view user_id) {
    note(user_id);
    return heard;
  }

  // The loop.
  void post(std::size_t round, std::function<void()> task) {
    if (is_full) throw std::bad_alloc();
    if (has_ended) return;
    if (is_inline) return task();
    tasks.push_back({round, std::move(task)});
  }
  void turn() {
    if (tasks.empty()) return;
    auto task = std::move(tasks.front());
    tasks.pop_front();
    try {
      task.run();
    } catch (const std::exception&) {
      return;  // Stays in the loop; what is behind it runs all the same.
    }
  }
  void end() {
    has_ended = true;
    while (!tasks.empty()) {
      const auto dropped = std::move(tasks.front());
      tasks.pop_front();
    }
  }

  bool is_full = false;
  bool has_ended = false;
  bool is_inline = false;  ///< Runs what is posted at once.
  bool throws = false;
  std::size_t posts = 0;
  std::size_t reaches = 0;
  std::optional<TimePoint> heard;
  std::deque<Task> tasks;
  std::vector<Noted> noted;

 private:
  std::size_t note(std::string_view id) {
    if (throws) throw std::runtime_error("the manager's");
    const auto round = static_cast<std::size_t>(std::stoul(std::string(id)));
    noted.push_back({round, reaches, heard});
    return reaches;
  }
};

template <class Source>
class ShardedRun {
 public:
  explicit ShardedRun(Source& source) : source_(source) {
    constexpr unsigned counts[] = {1, 2, 4, 33};  // NOLINT(modernize-avoid-c-arrays)
    const auto count = counts[source.below(4)];
    for (unsigned i = 0; i < count; ++i) shards_.push_back(std::make_unique<ModelShard>());
    make();
  }
  ShardedRun(const ShardedRun&) = delete;
  ShardedRun& operator=(const ShardedRun&) = delete;
  ShardedRun(ShardedRun&&) = delete;
  ShardedRun& operator=(ShardedRun&&) = delete;
  ~ShardedRun() { plans_.clear(); }  // What is left in the loops is dropped now.

  void run() {
    while (!source_.empty()) {
      step();
      check();
    }
    plans_.clear();
    for (const auto& shard : shards_) drain(*shard, 0);
    check();
    for (const auto& round : rounds_) same(round.done == 1, "done runs, whatever happens");
  }

 private:
  enum class Kind : std::uint8_t { outcome, count, heard };
  struct Round {
    Kind kind = Kind::outcome;
    unsigned done = 0;
    PublishOutcome outcome;
    std::optional<TimePoint> newest;
    bool is_checked = false;
  };

  void make() {
    auto made = std::make_unique<Sharded<ModelShard>>();
    for (const auto& shard : shards_) {
      made->add(*shard, [this, at = shard.get()](std::function<void()> task) {
        ++at->posts;
        at->post(current_, std::move(task));
      });
    }
    sharded_ = std::move(made);
  }

  void step() {
    auto& shard = *shards_.at(source_.below(static_cast<unsigned>(shards_.size())));
    switch (source_.below(14)) {
      case 0:
      case 1:
        return send();
      case 2:  // Fill.
        for (auto left = source_.below(70); left > 0; --left) send();
        return;
      case 3:
      case 4:
        return shard.turn();
      case 5:
        return drain(shard, source_.below(2));
      case 6:
        for (const auto& one : shards_) drain(*one, source_.below(3));
        return;
      case 7:
        shard.is_full = !shard.is_full;
        return;
      case 8:
        shard.throws = !shard.throws;
        return;
      case 9:
        if (shard.tasks.empty()) shard.is_inline = !shard.is_inline;  // Else it would overtake.
        return;
      case 10:
        if (source_.below(4) == 0) shard.end();
        return;
      case 11:
        shard.has_ended = false;
        return;
      case 12:
        for (auto left = source_.below(8); left > 0; --left) plans_.push_back(source_.below(4));
        return;
      default:
        shard.reaches = source_.below(1000);
        shard.heard = std::nullopt;
        if (source_.below(2) == 0) shard.heard = TimePoint{} + Duration(source_.below(1000));
    }
  }

  static void drain(ModelShard& shard, std::size_t most) {
    while (shard.tasks.size() > most) shard.turn();
  }

  /// Asks all shards something, with memory that runs out now and then.
  void send() {
    if (!sharded_) make();
    std::vector<std::size_t> posts;
    for (const auto& shard : shards_) posts.push_back(shard->posts);
    const auto number = rounds_.size();
    const auto which = source_.below(5);
    rounds_.push_back({which == 3   ? Kind::count
                       : which == 4 ? Kind::heard
                                    : Kind::outcome,
                       {},
                       {},
                       {},
                       false});
    auto& round = rounds_.back();  // A deque: later ones leave it where it is.
    const auto before = std::exchange(current_, number);
    const auto id = std::to_string(number);
    bool sent = false;
    try {
      sent = attempt(source_, [&] { ask(which, id, round); });
    } catch (const std::bad_alloc&) {  // Of a failure that was meant for the call around this one.
    }
    current_ = before;
    std::size_t left_out = 0;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      left_out += shards_[i]->posts == posts[i] ? 1U : 0U;
    }
    same(!sent || left_out <= 1, "what one shard has no memory for goes to the others");
    // Nothing was posted: the caller knows, and nobody else will say so.
    if (!sent) {
      same(round.done == 0, "what threw calls nothing");
      for (const auto& shard : shards_) {
        for (const auto& task : shard->tasks)
          same(task.round != number, "it throws before it posts");
      }
      round.done = 1;
      round.is_checked = true;
    }
  }
  void ask(unsigned which, const std::string& id, Round& round) {
    const auto done = [this, &round](PublishOutcome outcome) {
      round.outcome = outcome;
      finish(round);
    };
    switch (which) {
      case 0:
      case 1:
        return sharded_->publish({id, OwnerId("o"), OrganizationId("g"), "READY", 0, "{}"}, done);
      case 2:
        return sharded_->send_to_user(id, {R"({"type":"mine"})"}, done);
      case 3:
        return sharded_->disconnect_user(id, CloseCode::normal, {}, [this, &round](std::size_t n) {
          round.outcome.reached = n;
          finish(round);
        });
      default:
        return sharded_->last_heard(id, true, [this, &round](std::optional<TimePoint> newest) {
          round.newest = newest;
          finish(round);
        });
    }
  }

  /// `done` of a round: what it does next is planned.
  void finish(Round& round) {
    ++round.done;
    if (plans_.empty()) return;
    const auto plan = plans_.front();
    plans_.pop_front();
    if (plan == 0) return send();
    if (plan == 1) sharded_.reset();  // The call that this belongs to may be on the stack.
    if (plan == 2) throw std::runtime_error("the callback's");
    if (plan == 3) shards_.front()->turn();
  }

  [[nodiscard]] bool is_pending(std::size_t number) const {
    return std::any_of(shards_.begin(), shards_.end(), [number](const auto& shard) {
      return std::any_of(shard->tasks.begin(), shard->tasks.end(),
                         [number](const auto& task) { return task.round == number; });
    });
  }

  void check() {
    for (; first_open_ < rounds_.size() && rounds_[first_open_].is_checked; ++first_open_) {
    }
    for (auto number = first_open_; number < rounds_.size(); ++number) {
      auto& round = rounds_[number];
      if (round.is_checked) continue;
      const bool pending = is_pending(number);
      same(round.done == (pending ? 0U : 1U), "done runs once, when no shard has it any more");
      if (pending) continue;
      round.is_checked = true;
      check(number, round);
    }
  }
  void check(std::size_t number, const Round& round) const {
    std::size_t reached = 0;
    std::size_t sent = 0;
    std::optional<TimePoint> newest;
    for (const auto& shard : shards_) {
      std::size_t last = 0;
      for (const auto& noted : shard->noted) {
        if (noted.round != number) continue;
        same(last == 0, "a shard is asked once");
        last = 1;
        ++sent;
        reached += noted.reached;
        newest = (std::max)(newest, noted.heard);
      }
    }
    if (round.kind == Kind::heard) {
      same(round.newest == newest, "the newest of those that answered");
      return;
    }
    same(round.outcome.reached == reached, "as many as were reached");
    if (round.kind == Kind::count) return;
    same(round.outcome.failed_shards == shards_.size() - sent, "the others count as failed");
  }

  Source& source_;
  std::deque<Round> rounds_;  // Outlive what is left in the loops when a run fails.
  std::deque<unsigned> plans_;
  std::vector<std::unique_ptr<ModelShard>> shards_;
  std::unique_ptr<Sharded<ModelShard>> sharded_;
  std::size_t first_open_ = 0;
  std::size_t current_ = 0;  ///< The round that is being sent.
};

}  // namespace ordercast::test
