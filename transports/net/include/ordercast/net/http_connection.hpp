// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/answer_queue.hpp>
#include <ordercast/net/options.hpp>
#include <ordercast/net/peer_progress.hpp>
#include <ordercast/net/request_parser.hpp>
#include <ordercast/net/response_writer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

/// The server side of an HTTP/1.1 connection (RFC 9112) without I/O: bytes in, requests out;
/// answers in, bytes out. Answers are given in any order and go out in the order of their requests.
/// Safe requests run side by side, those that change something one after the other (section 9.3.2).
///
/// The owner reads, writes and keeps time. After each call it calls `take_output` and then does
/// what `wants_input`, `deadline` and `phase` say. One thread; linear in the bytes.
///
///     std::string_view bytes = ...;  // what was read
///     for (;;) {
///       auto event = http.next(bytes, now);
///       if (event.kind != HttpConnection::Kind::request) break;
///       http.answer(event.id, handle(std::move(event.request)));  // or later
///       http.take_output(now, [&](HttpPiece piece) { queue(std::move(piece)); });
///     }
///     http.take_output(now, ...);
namespace ordercast::net {

/// Shared by the HTTP connections of one owner. One thread.
struct HttpContext {
  explicit HttpContext(const TransportOptions& options_in, AnswerMemory::MakeRoom make_room = {})
      : options(options_in), answers(options_in.max_unsent_total_bytes, std::move(make_room)) {}

  const TransportOptions& options;  ///< Must outlive the context.
  AnswerMemory answers;
  bool draining = false;  ///< Each connection ends after its next answer.
  std::time_t (*date)() = [] { return std::time(nullptr); };
};

class HttpConnection {
 public:
  using RequestId = std::uint64_t;

  enum class Kind : std::uint8_t {
    none,       ///< All bytes are consumed, or nothing may start now.
    request,    ///< Needs one `answer`.
    handshake,  ///< The client opens a WebSocket. No HTTP follows; `rest` belongs to the WebSocket.
  };

  struct Event {
    Kind kind = Kind::none;
    RequestId id = 0;
    HttpRequest request;
    std::string rest;
  };

  enum class Phase : std::uint8_t {
    open,
    finishing,  ///< Takes no more requests; writes what is unwritten.
    written,  ///< Everything is written: the owner shuts its sending side down and calls `linger`.
    lingering,  ///< The client gets time to read the last bytes; its input is dropped.
  };

  /// `first_due`: when the first request must be complete. The context must outlive this.
  HttpConnection(HttpContext& context, std::string peer, TimePoint first_due)
      : context_(context),
        answers_(context.answers),
        parser_(limits()),
        peer_(std::move(peer)),
        first_due_(first_due),
        deadline_(first_due) {}
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  ~HttpConnection() { abandon(); }

  // In --------------------------------------------------------------------------------------------

  /// Takes bytes from the front of `bytes` and returns what they hold next. Call it until it
  /// returns `none`, and once more without bytes after answers and writes: a request may have
  /// waited.
  [[nodiscard]] Event next(std::string_view& bytes, TimePoint now);

  /// The client has ended its stream. Returns false if no answer is due: then close.
  [[nodiscard]] bool on_input_end() noexcept {
    if (!is_busy()) return false;
    input_ended_ = true;
    accepts_requests_ = false;
    return true;
  }

  /// Returns false while input could not be used: then read nothing.
  [[nodiscard]] bool wants_input() const noexcept { return !blocked_ && !input_ended_; }
  /// Returns true while a body is read, which costs less per byte than anything else.
  [[nodiscard]] bool in_body() const noexcept { return parser_.in_body(); }
  /// Bytes of the request that is being read.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return parser_.held_bytes(); }
  /// Returns true while an answer is due or not completely written.
  [[nodiscard]] bool is_busy() const noexcept {
    return !answers_.requests().empty() || unwritten_bytes() > 0;
  }
  /// Returns true while it waits for the client's next request.
  [[nodiscard]] bool is_idle() const noexcept { return idle_; }

  // Out -------------------------------------------------------------------------------------------

  /// Answers a request; later answers to the same are dropped. May throw std::bad_alloc: then
  /// close.
  void answer(RequestId id, HttpResponse response) {
    auto* const request = phase_ == Phase::open ? answers_.find(id) : nullptr;
    if (request == nullptr || request->answered) return;
    request->last = request->last || context_.draining;
    answers_.give(*request, std::move(response), options().max_unsent_bytes, context_.date(),
                  options().error_format, [&] {
                    return unavailable_response(options().retry_after, options().error_format);
                  });
    blocked_ = false;
  }

  /// Calls `send(HttpPiece)` for everything to send now, in order. If it throws, close.
  template <class Send>
  void take_output(TimePoint now, Send&& send);

  /// `bytes` of the output have been written. `unacknowledged`: bytes written but not acknowledged
  /// by the client; 0 if nothing is left to write.
  void on_written(std::size_t bytes, std::size_t unacknowledged, TimePoint now) {
    answers_.on_written(bytes);
    if (unwritten_bytes() <= options().low_water_bytes) blocked_ = false;
    if (unwritten_bytes() > 0) {
      note_progress(unacknowledged, now);
      if (phase_ == Phase::finishing) deadline_ = now + options().write_timeout;
    }
    if (unwritten_bytes() == 0 && phase_ == Phase::finishing) phase_ = Phase::written;
  }
  [[nodiscard]] std::size_t unwritten_bytes() const noexcept { return answers_.unwritten_bytes(); }

  /// Drops all answers: nobody waits for them.
  void abandon() noexcept {
    if (gone_) gone_->store(true, std::memory_order_relaxed);
    answers_.drop_all();
  }

  // The end, and time -----------------------------------------------------------------------------

  [[nodiscard]] Phase phase() const noexcept { return phase_; }

  /// The owner has shut its sending side down.
  void linger(TimePoint now) noexcept {
    phase_ = Phase::lingering;
    deadline_ = now + options().linger_timeout;
  }

  /// When `on_deadline` is due.
  [[nodiscard]] TimePoint deadline() const noexcept { return deadline_; }

  /// Handles a timeout: of a client that reads nothing, or of a handler that does not answer (then
  /// the client gets 503). Returns false if the connection must be closed.
  [[nodiscard]] bool on_deadline(std::size_t unacknowledged, TimePoint now);

  /// Bytes of its answers that are not shared with other connections.
  [[nodiscard]] std::size_t owned_bytes() const noexcept { return answers_.owned_bytes(); }
  /// When the client last read some of the unwritten bytes, or when they started to wait.
  [[nodiscard]] TimePoint stalled_since() const noexcept { return write_since_; }
  [[nodiscard]] bool is(const AnswerQueue& answers) const noexcept { return &answers_ == &answers; }

  /// Returns whether the client has taken bytes since this was last asked.
  bool note_progress(std::size_t unacknowledged, TimePoint now) noexcept {
    const bool progress = progress_.note(answers_.written_bytes(), unacknowledged);
    if (progress) write_since_ = now;
    return progress;
  }

 private:
  static constexpr std::size_t max_pipelined_bytes = 1024 * 1024;  // Of answers, side by side.

  [[nodiscard]] const TransportOptions& options() const noexcept { return context_.options; }
  [[nodiscard]] RequestLimits limits() const noexcept {
    return {options().max_head_bytes, options().max_body_bytes};
  }
  [[nodiscard]] static bool is_safe(std::string_view method) noexcept {
    return method == "GET" || method == "HEAD" || method == "OPTIONS";
  }
  [[nodiscard]] Event read(std::string_view& input, TimePoint now);
  [[nodiscard]] bool may_start() const noexcept;
  [[nodiscard]] Event start(TimePoint now);
  void finish(TimePoint now) noexcept {
    accepts_requests_ = false;
    phase_ = unwritten_bytes() > 0 ? Phase::finishing : Phase::written;
    deadline_ = now + options().write_timeout;
  }
  void update_deadline(TimePoint now) noexcept;

  HttpContext& context_;
  AnswerQueue answers_;
  RequestParser parser_;
  std::string peer_;    // The client's address.
  std::string unread_;  // Input after a request that may not start yet.
  std::size_t unread_from_ = 0;
  RequestId last_id_ = 0;
  TimePoint first_due_;
  TimePoint deadline_;
  TimePoint since_{};        // A request's first byte, or the end of the answer before it.
  TimePoint write_since_{};  // See `stalled_since`.
  PeerProgress progress_;
  std::shared_ptr<std::atomic<bool>> gone_;  // Shared with the handlers of requests.
  Phase phase_ = Phase::open;
  bool idle_ = false;
  bool blocked_ = false;  // Until an answer is given or written.
  bool input_ended_ = false;
  bool accepts_requests_ = true;  // False after a request that closes the connection or is refused.
};

inline HttpConnection::Event HttpConnection::next(std::string_view& bytes, TimePoint now) {
  const bool kept = unread_from_ < unread_.size();
  if (kept) unread_.append(std::exchange(bytes, {}));
  auto input = kept ? std::string_view(unread_).substr(unread_from_) : bytes;
  auto event = blocked_ ? Event{} : read(input, now);
  if (kept) {
    unread_from_ = unread_.size() - input.size();
    if (input.empty()) unread_ = {};
    if (input.empty()) unread_from_ = 0;
  } else if (event.kind == Kind::none && !input.empty()) {
    unread_.assign(input);
    bytes = {};
  } else {
    bytes = input;
  }
  return event;
}

inline HttpConnection::Event HttpConnection::read(std::string_view& input, TimePoint now) {
  while (phase_ == Phase::open && accepts_requests_) {
    if (!parser_.complete() && !parser_.refused()) {
      if (input.empty()) break;
      input.remove_prefix(parser_.consume(input));
      if (!parser_.complete() && !parser_.refused()) continue;
    }
    if (!may_start()) {
      blocked_ = true;
      return {};
    }
    if (parser_.is_handshake() && !parser_.refused()) {
      accepts_requests_ = false;
      parser_.request().remote_address = peer_;
      return {Kind::handshake, 0, std::move(parser_.request()),
              std::string(std::exchange(input, {}))};
    }
    auto event = start(now);
    if (event.kind != Kind::none) return event;
  }
  input = {};
  // Read the rest of a body only after earlier requests have been answered.
  blocked_ = blocked_ || (is_busy() && parser_.in_body());
  return {};
}

/// Returns true if the parsed request may run now.
inline bool HttpConnection::may_start() const noexcept {
  if (unwritten_bytes() >= options().high_water_bytes) return false;
  const auto& running = answers_.requests();
  if (running.empty()) return answers_.owned_bytes() <= max_pipelined_bytes;
  return !parser_.refused() && !parser_.is_handshake() &&
         running.size() < options().max_pipelined_requests &&
         answers_.expected_bytes() <= max_pipelined_bytes && is_safe(parser_.request().method) &&
         std::all_of(running.begin(), running.end(),
                     [](const AnswerQueue::Request& one) { return one.safe; });
}

/// Starts the parsed request. Answers it here if it is refused.
inline HttpConnection::Event HttpConnection::start(TimePoint now) {
  const bool refused = parser_.refused();
  AnswerQueue::Request expected;
  expected.id = ++last_id_;
  expected.since = now;
  expected.to_head = parser_.request().method == "HEAD";
  expected.safe = is_safe(parser_.request().method);
  expected.last = refused || context_.draining || !parser_.keep_alive();
  accepts_requests_ = !expected.last;
  answers_.add(std::move(expected));
  if (refused) {
    answer(last_id_, error_response(parser_.status(), options().error_format));
    return {};
  }
  HttpRequest request = std::move(parser_.request());
  parser_ = RequestParser(limits());
  request.remote_address = peer_;
  if (!gone_) gone_ = std::make_shared<std::atomic<bool>>(false);
  request.client_gone = gone_;
  return {Kind::request, last_id_, std::move(request), {}};
}

template <class Send>
void HttpConnection::take_output(TimePoint now, Send&& send) {
  if (phase_ == Phase::open) {
    const auto queue = [&](HttpPiece piece) {
      if (unwritten_bytes() == 0) {
        write_since_ = now;
        progress_.restart();
      }
      send(std::move(piece));
    };
    const bool last = answers_.send_ready(queue);
    const bool idle = answers_.requests().empty();
    if (last || (input_ended_ && idle)) return finish(now);
    // Behind the answers to what came before, and never after the body (RFC 9110 section 10.1.1).
    if (idle && accepts_requests_ && parser_.take_continue()) {
      answers_.queue({std::string(continue_response), nullptr}, queue);
    }
    update_deadline(now);
  }
}

/// Sets the deadline for what an open connection waits for now.
inline void HttpConnection::update_deadline(TimePoint now) noexcept {
  if (is_busy()) {
    idle_ = false;
    since_ = {};
    deadline_ = (TimePoint::max)();
    if (!answers_.requests().empty()) {
      deadline_ = answers_.requests().front().since + options().http_timeout;
    }
    if (unwritten_bytes() > 0) {
      deadline_ = (std::min)(deadline_, write_since_ + options().write_timeout);
    }
  } else if (last_id_ == 0) {
    deadline_ = first_due_;
  } else {
    const bool idle = parser_.untouched();
    if (idle != idle_ || since_ == TimePoint{}) since_ = now;
    idle_ = idle;
    deadline_ = since_ + (idle ? options().keep_alive_timeout : options().handshake_timeout);
  }
}

inline bool HttpConnection::on_deadline(std::size_t unacknowledged, TimePoint now) {
  if (now < deadline_) return true;
  if (phase_ == Phase::open) {
    auto& requests = answers_.requests();
    if (!requests.empty() && now >= requests.front().since + options().http_timeout) {
      requests.front().last = true;
      answer(requests.front().id,
             unavailable_response(options().retry_after, options().error_format));
      return true;
    }
    if (unwritten_bytes() == 0) return false;
  }
  const bool lingers = phase_ == Phase::lingering;
  // Of what we hold or, behind that, of what the kernel holds.
  const bool owes = !lingers || unacknowledged > 0;
  const bool progress = owes && note_progress(unacknowledged, now);
  const auto last_call = write_since_ + options().write_timeout;
  if (!owes || (!progress && now >= last_call)) return false;
  const auto patience = lingers ? options().linger_timeout : options().write_timeout;
  deadline_ = (std::min)(now + patience, last_call);
  return true;
}

}  // namespace ordercast::net
