// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/backplane.hpp>
#include <ordercast/clock.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// Whether a user looks at a connection of another node.
namespace order_server {

struct RemotePresenceOptions {
  /// How long a question stays open: as long as a connection has to answer a ping.
  std::chrono::milliseconds wait{3'000};
  /// How many questions of this node, and of the others, are open at once. A question above that is
  /// not asked, or not answered.
  std::size_t most_open = 1'024;
  /// What the names of this node's questions begin with. Random, so that an answer to another node,
  /// or to an earlier process of this one, answers nothing.
  std::string process;
};

// The kinds of notices, see Cluster.
inline constexpr std::string_view presence_question = "presence-question";
inline constexpr std::string_view presence_answer = "presence-answer";

/// Questions and answers are notices. A node answers if the user looks at one of its connections
/// and that connection has answered a ping since the question came. There is no answer "no",
/// because no node knows how many others there are: silence until the deadline means that nobody
/// looks.
///
/// Any thread may call the members, and they don't block.
class RemotePresence {
 public:
  /// Asks this node's connections; see `Sharded::last_heard`. The answer may come on any thread.
  using LastHeard =
      std::function<void(const std::string& user_id, bool ping,
                         std::function<void(std::optional<ordercast::TimePoint>)> done)>;
  /// Publishes a notice to the other nodes. `user_id` is "" in an answer.
  using Tell = std::function<void(std::string_view kind, const std::string& question,
                                  const std::string& user_id)>;
  using Now = std::function<ordercast::TimePoint()>;

  RemotePresence(LastHeard last_heard, Tell tell, Now now, RemotePresenceOptions options);

  /// Asks the other nodes. `looks` runs once if one of them says yes within the deadline.
  void ask(const std::string& user_id, std::function<void()> looks);

  /// Another node asks.
  void on_question(const std::string& question, const std::string& user_id);
  /// Another node answers a question, of this node or of a third one.
  void on_answer(const std::string& question);

  /// Answers the questions whose users look, and forgets what is too old. Call it a few times a
  /// second, on one thread.
  void step();

 private:
  struct State;

  struct Asked;

  void look(const Asked& asked, bool ping) const;

  const LastHeard last_heard_;
  const Tell tell_;
  const Now now_;
  const RemotePresenceOptions options_;
  const std::shared_ptr<State> state_;  // Also held by answers that come after the end.
};

}  // namespace order_server
