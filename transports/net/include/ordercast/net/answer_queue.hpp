// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/response_writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The answers of one HTTP connection: given in any order, sent in the order of their requests. No
/// I/O; one thread.
namespace ordercast::net {

class AnswerQueue;

/// Bounds the memory of queued answers, for all connections of an owner together. One thread.
class AnswerMemory {
 public:
  /// Closes a connection other than that of `asking` and drops its answers. Returns false if there
  /// is none to close.
  using MakeRoom = std::function<bool(const AnswerQueue& asking)>;

  explicit AnswerMemory(std::size_t max_bytes, MakeRoom make_room = {})
      : max_bytes_(max_bytes), make_room_(std::move(make_room)) {}

  /// Returns true if `bytes` more fit, perhaps after making room.
  [[nodiscard]] bool has_room(std::size_t bytes, const AnswerQueue& asking) {
    while (used_bytes_ > 0 && used_bytes_ + bytes > max_bytes_) {
      if (!make_room_ || !make_room_(asking)) return false;
    }
    return true;
  }
  void take(std::size_t bytes) noexcept { used_bytes_ += bytes; }
  void give_back(std::size_t bytes) noexcept { used_bytes_ -= bytes; }
  [[nodiscard]] std::size_t used_bytes() const noexcept { return used_bytes_; }

 private:
  std::size_t max_bytes_;
  std::size_t used_bytes_ = 0;
  MakeRoom make_room_;
};

/// Bytes to send. Exactly one of the two members is used.
struct HttpPiece {
  std::string bytes;
  std::shared_ptr<const std::string> shared;  ///< Bytes that other answers may share.

  [[nodiscard]] std::string_view view() const noexcept { return shared ? *shared : bytes; }
};

class AnswerQueue {
 public:
  /// Bodies up to this size are copied after their head: two pieces would cost more than the copy.
  static constexpr std::size_t copied_body_bytes = 16 * 1024;

  explicit AnswerQueue(AnswerMemory& memory) : memory_(memory) {}
  AnswerQueue(const AnswerQueue&) = delete;
  AnswerQueue& operator=(const AnswerQueue&) = delete;
  ~AnswerQueue() { drop_all(); }

  /// A request that waits for its answer.
  struct Request {
    std::uint64_t id = 0;
    TimePoint since{};
    bool to_head = false;   ///< The answer has no body.
    bool safe = false;      ///< May run beside others (RFC 9110 section 9.2.1).
    bool last = false;      ///< The connection ends after the answer.
    bool answered = false;  ///< `head` and `body` wait for the answers before it.
    HttpPiece head;
    HttpPiece body;         ///< Empty if the head has it, or there is none.
    std::size_t owned = 0;  ///< Bytes of both that are not shared.
  };

  Request& add(Request request) {
    requests_.push_back(std::move(request));
    return requests_.back();
  }

  /// Takes an answer, or `refusal` instead if there is not enough memory for it.
  template <class Refusal>
  void give(Request& request, HttpResponse response, std::size_t max_owned, std::time_t date,
            ErrorFormat format, Refusal&& refusal) {
    auto owned = response.shared_body ? 0 : response.body.size();
    if (!request.to_head) guess_ = (std::max)({owned, guess_ / 2, min_guess_bytes});
    if (request.to_head) owned = 0;
    const bool fits = owned <= copied_body_bytes || owned_ == 0 || owned_ + owned <= max_owned;
    if (!fits || (owned > copied_body_bytes && !memory_.has_room(owned, *this))) {
      response = refusal();
    }
    const auto after = request.last ? AfterResponse::close : AfterResponse::keep_alive;
    auto head = write_head(response, request.to_head, date, after, format);
    if (head.body_follows && response.content().size() <= copied_body_bytes) {
      head.bytes.append(response.content());
    } else if (head.body_follows) {
      if (!response.shared_body) {
        request.owned = response.body.size();
        response.shared_body = std::make_shared<const std::string>(std::move(response.body));
      }
      request.body.shared = std::move(response.shared_body);
    }
    request.head.bytes = std::move(head.bytes);
    request.owned += request.head.bytes.size();
    owned_ += request.owned;
    memory_.take(request.owned);
    request.answered = true;
  }

  /// Calls `send(piece)` for the answers that are next. Returns true if the last of them ends the
  /// connection.
  template <class Send>
  bool send_ready(Send&& send) {
    std::size_t count = 0;
    bool last = false;
    for (; count < requests_.size() && requests_[count].answered && !last; ++count) {
      auto& request = requests_[count];
      queue(std::move(request.head), send);
      if (!request.body.view().empty()) queue(std::move(request.body), send);
      sent_.push_back({queued_, request.owned});
      last = request.last;
    }
    requests_.erase(requests_.begin(), requests_.begin() + static_cast<std::ptrdiff_t>(count));
    return last;
  }

  /// Sends bytes that are not part of an answer.
  template <class Send>
  void queue(HttpPiece piece, Send&& send) {
    const auto size = piece.view().size();
    send(std::move(piece));
    queued_ += size;
  }

  /// Call when `bytes` of what was sent have left the process, so that their memory is free.
  void on_written(std::size_t bytes) noexcept {
    written_ += bytes;
    auto end = sent_.begin();
    for (; end != sent_.end() && end->end <= written_; ++end) {
      owned_ -= end->owned;
      memory_.give_back(end->owned);
    }
    sent_.erase(sent_.begin(), end);
  }

  /// Drops all answers: nobody waits for them.
  void drop_all() noexcept {
    memory_.give_back(std::exchange(owned_, 0));
    requests_.clear();
    sent_.clear();
    written_ = queued_;
  }

  [[nodiscard]] std::vector<Request>& requests() noexcept { return requests_; }
  [[nodiscard]] const std::vector<Request>& requests() const noexcept { return requests_; }
  [[nodiscard]] Request* find(std::uint64_t id) noexcept {
    const auto found = std::find_if(requests_.begin(), requests_.end(),
                                    [id](const Request& one) { return one.id == id; });
    return found == requests_.end() ? nullptr : &*found;
  }

  /// Bytes of answers in memory that are not shared, sent or not.
  [[nodiscard]] std::size_t owned_bytes() const noexcept { return owned_; }
  /// Bytes that were sent but have not left the process.
  [[nodiscard]] std::size_t unwritten_bytes() const noexcept {
    return static_cast<std::size_t>(queued_ - written_);
  }
  [[nodiscard]] std::uint64_t written_bytes() const noexcept { return written_; }

  /// Estimates the memory after the running requests and one more, assuming answers like the last
  /// one. The size of an answer is known too late.
  [[nodiscard]] std::size_t expected_bytes() const noexcept {
    const auto running = static_cast<std::size_t>(std::count_if(
        requests_.begin(), requests_.end(), [](const Request& one) { return !one.answered; }));
    return owned_ + (running + 1) * guess_;
  }

 private:
  static constexpr std::size_t first_guess_bytes = 256 * 1024;
  static constexpr std::size_t min_guess_bytes = 1024;

  struct Sent {
    std::uint64_t end = 0;  // Of all bytes that were ever queued.
    std::size_t owned = 0;
  };

  AnswerMemory& memory_;
  std::vector<Request> requests_;
  std::vector<Sent> sent_;  // Answers that are not completely written.
  std::uint64_t queued_ = 0;
  std::uint64_t written_ = 0;
  std::size_t owned_ = 0;
  std::size_t guess_ = first_guess_bytes;  // The size of the next answer.
};

}  // namespace ordercast::net
