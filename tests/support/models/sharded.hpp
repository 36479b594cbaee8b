// SPDX-License-Identifier: MIT
#pragma once

#include "support/models/choices.hpp"
#include "support/models/model_shard.hpp"
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
/// tasks unrun; managers that throw; callbacks that call again, throw, or destroy all of it. Users
/// come and go, and orders are watched and left, so that the model knows which shards a change is
/// for: those are woken, and no others.
namespace ordercast::test {

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
    std::size_t asked = 0;  ///< Shards that it is for.
    ChangeParts parts{};    ///< What they have somebody for.
    unsigned done = 0;
    PublishOutcome outcome;
    std::optional<TimePoint> newest;
    bool is_checked = false;
  };

  void make() {
    auto made = std::make_unique<Sharded<ModelShard>>();
    for (const auto& shard : shards_) {
      made->add(*shard, [this, at = shard.get()](std::function<void()> task) {
        at->posted.push_back(current_);
        at->post(current_, std::move(task));
      });
    }
    sharded_ = std::move(made);
  }

  void step() {
    auto& shard = *shards_.at(source_.below(static_cast<unsigned>(shards_.size())));
    switch (source_.below(18)) {
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
      case 13:
      case 14:
        return come(shard);
      case 15:
        return static_cast<void>(shard.registry.disconnect(source_.below(handles)));
      case 16:
        return static_cast<void>(
            shard.registry.unsubscribe(source_.below(handles), order(source_.below(ids))));
      default:
        shard.reaches = source_.below(1000);
        shard.heard = std::nullopt;
        if (source_.below(2) == 0) shard.heard = TimePoint{} + Duration(source_.below(1000));
    }
  }

  static void drain(ModelShard& shard, std::size_t most) {
    while (shard.tasks.size() > most) shard.turn();
  }

  static constexpr unsigned handles = 6;
  static constexpr unsigned ids = 3;
  static std::string order(unsigned number) { return "o" + std::to_string(number); }
  static std::string user(unsigned number) {
    return number == 0 ? "" : "u" + std::to_string(number);
  }
  static std::string organization(unsigned number) {
    return number == 0 ? "" : "g" + std::to_string(number);
  }

  /// Somebody connects, or watches an order; now and then there is no memory for it.
  void come(ModelShard& shard) {
    const auto handle = source_.below(handles);
    const auto id = order(source_.below(ids));
    const Identity who{user(source_.below(ids)), static_cast<Reach>(source_.below(3)),
                       organization(source_.below(ids))};
    static_cast<void>(attempt(source_, [&] {
      if (!shard.registry.connect(handle, who)) shard.registry.subscribe(handle, id);
    }));
  }

  /// What a round asks, and the shards that it is for.
  struct Question {
    unsigned which = 0;
    std::string id;
    std::string order;
    std::string owner;
    std::string assignee;
    std::string organization;
    ChangeMessages messages{};
    [[nodiscard]] OrderEvent event() const {
      return {order, OwnerId(owner), OrganizationId(organization), id,
              0,     "{}",           AssigneeId(assignee)};
    }
  };
  Question draw(std::size_t number) {
    return {source_.below(5),
            std::to_string(number),
            order(source_.below(ids)),
            user(source_.below(ids)),
            user(source_.below(ids)),
            organization(source_.below(ids)),
            static_cast<ChangeMessages>(source_.below(3))};
  }
  static ChangeParts for_shard(const Question& question, const ModelShard& shard) {
    const auto& registry = shard.registry;
    switch (question.which) {
      case 0:
      case 1:
        return {question.messages != ChangeMessages::hints &&
                    registry.subscribers_of(question.order) != 0,
                question.messages != ChangeMessages::updates &&
                    registry.has_list_watcher(question.event())};
      case 2:
        return {registry.connections_of(question.owner) != 0, false};
      default:
        return {true, false};
    }
  }

  /// Asks the shards something, with memory that runs out now and then.
  void send() {
    if (!sharded_) make();
    const auto number = rounds_.size();
    const auto question = draw(number);
    // Before the round is there: in a callback the memory may run out.
    std::vector<bool> wanted(shards_.size());
    std::vector<std::size_t> posts(shards_.size());
    auto& round = rounds_.emplace_back();  // A deque: later ones leave it where it is.
    round.kind = question.which == 3   ? Kind::count
                 : question.which == 4 ? Kind::heard
                                       : Kind::outcome;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      const auto parts = for_shard(question, *shards_[i]);
      wanted[i] = shards_.size() == 1 || parts.any();  // A single shard gets everything.
      posts[i] = shards_[i]->posted.size();
      round.asked += wanted[i] ? 1U : 0U;
      round.parts.updates = round.parts.updates || parts.updates;
      round.parts.hints = round.parts.hints || parts.hints;
    }
    if (question.which > 1) {
      round.parts = {};  // No change.
    } else if (shards_.size() == 1) {
      round.parts = {question.messages != ChangeMessages::hints,
                     question.messages != ChangeMessages::updates};
    }
    const auto before = std::exchange(current_, number);
    bool sent = false;
    try {
      sent = attempt(source_, [&] { ask(question, round); });
    } catch (const std::bad_alloc&) {  // Of a failure that was meant for the call around this one.
    }
    current_ = before;
    std::size_t left_out = 0;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      const auto& posted = shards_[i]->posted;
      const auto woken =
          std::count(posted.begin() + static_cast<std::ptrdiff_t>(posts[i]), posted.end(), number);
      same(woken <= (wanted[i] ? 1 : 0), "a shard is woken once, and only if it has somebody");
      left_out += wanted[i] && woken == 0 ? 1U : 0U;
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
  void ask(const Question& question, Round& round) {
    const auto& id = question.id;
    const auto done = [this, &round](PublishOutcome outcome) {
      round.outcome = outcome;
      finish(round);
    };
    switch (question.which) {
      case 0:
      case 1:
        return sharded_->publish(question.event(), question.messages, done);
      case 2:
        return sharded_->send_to_user(question.owner, {R"({"type":"mine","round":)" + id + "}"},
                                      done);
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
        same(noted.parts == round.parts, "only messages that somebody gets are made");
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
    same(round.outcome.failed_shards == round.asked - sent, "the others count as failed");
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
