// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

/// The stream between the nodes of a simulated cluster.
namespace ordercast::simulation {

/// Numbered messages of which the oldest are dropped. It can be lost and made anew, as happens with
/// its disks; then its numbers begin again, and only `identity` tells.
class Stream {
 public:
  struct Message {
    std::string order;
    std::uint64_t version = 0;
    int publisher = 0;
  };
  static constexpr std::size_t most_kept = 20;

  void append(Message message) {
    kept_.push_back(std::move(message));
    ++last_;
    if (kept_.size() > most_kept) kept_.pop_front();
  }
  /// Drops all but the newest `left`.
  void purge(std::size_t left) {
    while (kept_.size() > left) kept_.pop_front();
  }
  void lose() {
    ++identity_;
    last_ = 0;
    kept_.clear();
  }

  [[nodiscard]] unsigned identity() const noexcept { return identity_; }
  [[nodiscard]] std::uint64_t last() const noexcept { return last_; }
  [[nodiscard]] std::uint64_t first() const noexcept { return last_ + 1 - kept_.size(); }
  [[nodiscard]] const Message& at(std::uint64_t sequence) const {
    return kept_.at(sequence - first());
  }

 private:
  unsigned identity_ = 1;
  std::uint64_t last_ = 0;
  std::deque<Message> kept_;
};

}  // namespace ordercast::simulation
