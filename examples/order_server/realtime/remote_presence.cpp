// SPDX-License-Identifier: MIT
#include "realtime/remote_presence.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace order_server {

using ordercast::TimePoint;

/// A question of another node.
struct RemotePresence::Asked {
  std::string question;
  std::string user_id;
  TimePoint since;
};

struct RemotePresence::State {
  struct Open {
    std::function<void()> looks;
    TimePoint since;
  };

  std::mutex mutex;
  std::uint64_t next = 0;
  std::map<std::string, Open> open;   // This node's questions.
  std::vector<Asked> asked;           // The others'.
  std::vector<std::string> answered;  // With yes, but not told yet.
};

RemotePresence::RemotePresence(LastHeard last_heard, Tell tell, Now now,
                               RemotePresenceOptions options)
    : last_heard_(std::move(last_heard)),
      tell_(std::move(tell)),
      now_(std::move(now)),
      options_(std::move(options)),
      state_(std::make_shared<State>()) {}

void RemotePresence::ask(const std::string& user_id, std::function<void()> looks) {
  std::string question;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->open.size() >= options_.most_open) return;
    question = options_.process + "-" + std::to_string(state_->next++);
    state_->open.emplace(question, State::Open{std::move(looks), now_()});
  }
  tell_(presence_question, question, user_id);
}

void RemotePresence::on_question(const std::string& question, const std::string& user_id) {
  Asked asked{question, user_id, now_()};
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->asked.size() >= options_.most_open) return;
    state_->asked.push_back(asked);
  }
  look(asked, true);
}

void RemotePresence::on_answer(const std::string& question) {
  std::function<void()> looks;
  {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->open.find(question);
    if (found == state_->open.end()) return;
    looks = std::move(found->second.looks);
    state_->open.erase(found);
  }
  looks();
}

void RemotePresence::look(const Asked& asked, bool ping) const {
  last_heard_(asked.user_id, ping,
              [state = state_, question = asked.question,
               since = asked.since](const std::optional<TimePoint>& heard) {
                const bool is_here = heard.has_value();
                if (is_here && *heard < since) return;  // It has still to answer the ping.
                const std::lock_guard lock(state->mutex);
                auto& open = state->asked;
                const auto found = std::find_if(open.begin(), open.end(), [&](const Asked& each) {
                  return each.question == question;
                });
                if (found == open.end()) return;
                open.erase(found);
                if (is_here) state->answered.push_back(question);
              });
}

void RemotePresence::step() {
  std::vector<Asked> asked;
  std::vector<std::string> answered;
  {
    const std::lock_guard lock(state_->mutex);
    const auto oldest = now_() - options_.wait;
    auto& open = state_->open;
    for (auto each = open.begin(); each != open.end();) {
      each = each->second.since < oldest ? open.erase(each) : std::next(each);
    }
    auto& all = state_->asked;
    all.erase(std::remove_if(all.begin(), all.end(),
                             [&](const Asked& each) { return each.since < oldest; }),
              all.end());
    asked = all;
    answered = std::exchange(state_->answered, {});
  }
  for (const auto& each : asked) look(each, false);
  for (const auto& question : answered) tell_(presence_answer, question, {});
}

}  // namespace order_server
