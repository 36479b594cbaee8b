// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/broadcast.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

/// What must become of the application's own messages: for the simulation and the manager's model.
namespace ordercast::test {

/// A message of the application's own. Those who send it count it up, and write its number into it.
struct Addressed {
  Audience audience = Audience::user;
  std::string id;
  std::string key;
  std::size_t bytes = 0;

  /// Messages of one line reach a connection in the order of sending. Those to an order's watchers
  /// may wait for the order, behind all others.
  [[nodiscard]] std::string line() const {
    return audience == Audience::watchers ? "order " + id : std::string();
  }
  [[nodiscard]] bool replaces(const Addressed& older) const {
    return !key.empty() && key == older.key && id == older.id && audience == older.audience;
  }
};

/// What one connection may get and must get. A message is put down here when it is sent, if the
/// connection is among those whom it is for at that moment.
class Mailbox {
 public:
  /// `must`: it has to arrive, or a newer one with its key. `version` of its order has to arrive
  /// before.
  void expect(std::size_t number, const Addressed& message, bool must, std::uint64_t version) {
    mail_[number] = {message, must, version};
    bytes_ += message.bytes;
  }
  [[nodiscard]] bool must(std::size_t number) const { return mail_.at(number).must; }
  void withdraw(std::size_t number) {
    const auto found = mail_.find(number);
    if (found != mail_.end()) erase(found);
  }

  /// What is wrong with it that this message arrives now, at a client that `version_of(order)` says
  /// the versions of; null if nothing is.
  template <class F>
  [[nodiscard]] const char* take(std::size_t number, F&& version_of) {
    const auto found = mail_.find(number);
    if (found == mail_.end()) return "it was not for this connection, or arrived before";
    const auto& [message, must, version] = found->second;
    if (version != 0 && version_of(message.id) < version) {
      return "it arrived before the order that it follows";
    }
    const auto line = message.line();
    auto& last = last_[line];
    if (number < last) return "it arrived after a newer one";
    last = number;
    // What is before it in its line will not come any more.
    for (auto at = mail_.begin(); at != found;) {
      if (at->second.message.line() != line) {
        ++at;
        continue;
      }
      const bool replaced = is_replaced(at);
      if (at->second.must && !replaced) return "an older one was lost";
      replaced_ += replaced ? 1U : 0U;
      at = erase(at);
    }
    erase(found);
    return nullptr;
  }

  /// What was sent to an order's watchers need not come any more.
  void excuse(const std::string& order_id) {
    for (auto& [number, mail] : mail_) {
      const auto& message = mail.message;
      if (message.audience == Audience::watchers && message.id == order_id) mail.must = false;
    }
  }

  /// The client has left an order: of what was sent to its watchers, only what is on the wire
  /// already, as `is_on_wire(number)` says, may still come.
  template <class F>
  void leave(const std::string& order_id, F&& is_on_wire) {
    excuse(order_id);
    for (auto at = mail_.begin(); at != mail_.end();) {
      const auto& message = at->second.message;
      const bool goes = message.audience == Audience::watchers && message.id == order_id &&
                        !is_on_wire(at->first);
      at = goes ? erase(at) : std::next(at);
    }
  }

  /// How many must still come, if they are more than `most`; otherwise 0.
  [[nodiscard]] std::size_t more_than(std::size_t most) const {
    if (mail_.size() <= most) return 0;
    std::size_t count = 0;
    for (auto at = mail_.begin(); at != mail_.end(); ++at) {
      count += at->second.must && !is_replaced(at) ? 1U : 0U;
    }
    return count > most ? count : 0;
  }

  /// One that must come and has not, once everything has come to rest.
  [[nodiscard]] std::optional<std::size_t> missing() const {
    for (auto at = mail_.begin(); at != mail_.end(); ++at) {
      if (at->second.must && !is_replaced(at)) return at->first;
    }
    return std::nullopt;
  }

  /// Whether it has ever held so much that an outbox with these bounds may have been full of it.
  [[nodiscard]] bool crowds(std::size_t most_messages, std::size_t most_bytes) {
    crowded_ = crowded_ || (is_near(mail_.size(), bytes_, most_messages, most_bytes) &&
                            is_crowd(most_messages, most_bytes));
    return crowded_;
  }
  [[nodiscard]] bool crowded() const noexcept { return crowded_; }
  [[nodiscard]] std::size_t replaced() const noexcept { return replaced_; }

 private:
  struct Mail {
    Addressed message;
    bool must = false;
    std::uint64_t version = 0;
  };
  using Mails = std::map<std::size_t, Mail>;

  Mails::iterator erase(Mails::iterator at) {
    bytes_ -= at->second.message.bytes;
    return mail_.erase(at);
  }
  [[nodiscard]] bool is_replaced(Mails::const_iterator older) const {
    for (auto newer = std::next(older); newer != mail_.end(); ++newer) {
      if (newer->second.message.replaces(older->second.message)) return true;
    }
    return false;
  }
  /// Half is enough, or what leaves no room for a few answers: what else waits is not counted here.
  [[nodiscard]] static bool is_near(std::size_t messages, std::size_t bytes,
                                    std::size_t most_messages, std::size_t most_bytes) {
    constexpr std::size_t answers = 400;
    return (most_messages != 0 && 2 * messages >= most_messages) ||
           (most_bytes != 0 && messages != 0 &&
            (2 * bytes >= most_bytes || bytes + answers >= most_bytes));
  }
  [[nodiscard]] bool is_crowd(std::size_t most_messages, std::size_t most_bytes) const {
    std::size_t messages = 0;
    std::size_t bytes = 0;
    std::set<std::pair<std::string, std::string>> newest;
    for (auto at = mail_.rbegin(); at != mail_.rend(); ++at) {
      const auto& message = at->second.message;
      const auto whom = std::to_string(static_cast<int>(message.audience)) + message.id;
      if (!message.key.empty() && !newest.emplace(whom, message.key).second) continue;
      ++messages;
      bytes += message.bytes;
    }
    return is_near(messages, bytes, most_messages, most_bytes);
  }

  Mails mail_;
  std::map<std::string, std::size_t> last_;
  std::size_t bytes_ = 0;
  std::size_t replaced_ = 0;
  bool crowded_ = false;
};

}  // namespace ordercast::test
