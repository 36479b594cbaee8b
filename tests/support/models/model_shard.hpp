// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/broadcast.hpp>
#include <ordercast/clock.hpp>
#include <ordercast/detail/interest.hpp>
#include <ordercast/error.hpp>
#include <ordercast/subscription_registry.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ordercast::test {

/// The messages of a change that a shard was sent, or has somebody for.
struct ChangeParts {
  bool updates = false;
  bool hints = false;
  [[nodiscard]] bool any() const noexcept { return updates || hints; }
  [[nodiscard]] bool operator==(const ChangeParts& other) const noexcept {
    return updates == other.updates && hints == other.hints;
  }
};

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
    ChangeParts parts;
  };

  // A manager's functions. A change's status and a message's text name the round.
  std::size_t publish(const Broadcast<std::string>& broadcast) {
    return note(broadcast.status, {broadcast.updated.bytes != 0, broadcast.changed.bytes != 0});
  }
  std::size_t announce(const Announcement<std::string>& sent) {
    const auto& text = sent.message.frame;
    return note(std::string_view(text).substr(text.find_last_of(':') + 1));
  }
  void share_interest(detail::ShardInterest interest) {
    registry.share_interest(std::move(interest));
  }
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
  SubscriptionRegistry<unsigned> registry;
  std::vector<std::size_t> posted;  ///< The round of each post.
  std::size_t reaches = 0;
  std::optional<TimePoint> heard;
  std::deque<Task> tasks;
  std::vector<Noted> noted;

 private:
  std::size_t note(std::string_view id, ChangeParts parts = {}) {
    if (throws) throw std::runtime_error("the manager's");
    const auto round = static_cast<std::size_t>(std::stoul(std::string(id)));
    noted.push_back({round, reaches, heard, parts});
    return reaches;
  }
};

}  // namespace ordercast::test
