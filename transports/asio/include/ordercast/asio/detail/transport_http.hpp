// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/transport.hpp>
#include <ordercast/net/response_writer.hpp>
#include <ordercast/net/unacknowledged.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <utility>

/// Bodies of transport.hpp: HTTP/1.1 with keep-alive and pipelining (RFC 9112 section 9.3). Answers
/// go out in the order of their requests. Requests that change something run one after the other,
/// safe ones side by side (section 9.3.2).
namespace ordercast::asio {

namespace detail {

/// The client's address without its port; "" when it has gone.
inline std::string peer_address(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (peer.ss_family == AF_INET) {
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(&peer);
    return ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size()) == nullptr ? ""
                                                                                    : text.data();
  }
  const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(&peer);
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
  const auto* const from = reinterpret_cast<const unsigned char*>(&v6->sin6_addr);
  const auto* const found = mapped ? ::inet_ntop(AF_INET, from + 12, text.data(), text.size())
                                   : ::inet_ntop(AF_INET6, from, text.data(), text.size());
  return found == nullptr ? "" : text.data();
}

inline bool is_safe(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

}  // namespace detail

/// One request's responder: whoever holds a copy may answer, from any thread; when all copies are
/// gone unanswered, it answers 500.
class Transport::Answer {
 public:
  Answer(Transport& transport, Handle handle, std::uint64_t request)
      : transport_(transport.self_),
        port_(transport.port_),
        thread_(std::this_thread::get_id()),
        handle_(handle),
        request_(request) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    if (given_.load()) return;
    try {
      give(net::error_response(500));
    } catch (...) {  // Out of memory: the request's deadline answers.
    }
  }

  void give(HttpResponse response) {
    if (given_.exchange(true)) return;
    if (std::this_thread::get_id() == thread_) {
      const auto alive = transport_.lock();
      if (!alive) return;
      auto& transport = **alive;
      // From inside the handler: the answer needs no turn of the loop of its own.
      if (transport.serving_ == request_ && transport.serving_handle_ == handle_) {
        return transport.answer(handle_, request_, std::move(response));
      }
    }
    port_->post([transport = transport_, handle = handle_, request = request_,
                 response = std::move(response)]() mutable {
      if (const auto alive = transport.lock()) {
        (*alive)->answer_later(handle, request, std::move(response));
      }
    });
  }

 private:
  std::weak_ptr<Transport*> transport_;
  std::shared_ptr<net::LoopPort> port_;
  const std::thread::id thread_;
  const Handle handle_;
  const std::uint64_t request_;
  std::atomic<bool> given_{false};
};

inline void Transport::read_requests(Index index, Connection& connection, Input input) {
  if (!connection.http) {
    connection.http = std::make_unique<detail::HttpState>(
        net::RequestLimits{options_.max_head_bytes, options_.max_body_bytes});
    connection.http->peer = detail::peer_address(connection.fd);
  }
  auto& http = *connection.http;
  while (connection.state == State::http && !http.ended) {
    auto& parser = http.parser;
    if (!parser.complete() && !parser.refused()) {
      if (input.size == 0) break;
      input.take(parser.consume({input.data, input.size}));
      if (!parser.complete() && !parser.refused()) continue;
    }
    if (!may_start(connection)) {
      http.paused = true;
      break;
    }
    if (parser.is_handshake() && !parser.refused()) {
      parser.request().remote_address = http.peer;
      return upgrade(index, connection, input);
    }
    start_request(index, connection);
  }
  if (connection.state != State::http) return;
  // The rest of a body waits with the client until what was asked before it has been answered.
  const bool busy = !http.pending.empty() || connection.unwritten > 0;
  http.paused = http.paused || (busy && http.parser.in_body());
  if (!busy) connection.ticket.rest();
  connection.ticket.hold(http.parser.held_bytes());
  if (http.paused) {
    http.unread.assign(input.data, input.size);
    watch(index, connection, connection.interest & static_cast<std::uint8_t>(~EPOLLIN));
  } else if (!connection.client_ended) {
    watch(index, connection, connection.interest | EPOLLIN);
  }
  update_http(index, connection);
}

/// Whether the request that the parser holds may run now.
inline bool Transport::may_start(const Connection& connection) const noexcept {
  const auto& http = *connection.http;
  if (http.pending.empty()) {
    return connection.unwritten < options_.high_water_bytes && http.owned <= pipelined_bytes;
  }
  // How big an answer gets is known too late: so many run at once as fit if they are like the last.
  const auto running = static_cast<std::size_t>(
      std::count_if(http.pending.begin(), http.pending.end(),
                    [](const detail::PendingRequest& one) { return !one.answered; }));
  const bool fits_guess = http.owned + (running + 1) * http.guess <= pipelined_bytes;
  return !http.parser.refused() && !http.parser.is_handshake() &&
         connection.unwritten < options_.high_water_bytes &&
         http.pending.size() < options_.max_pipelined_requests && fits_guess &&
         detail::is_safe(http.parser.request().method) &&
         std::all_of(http.pending.begin(), http.pending.end(),
                     [](const detail::PendingRequest& one) { return one.safe; });
}

inline void Transport::start_request(Index index, Connection& connection) {
  connection.ticket.settle();
  auto& http = *connection.http;
  const bool refused = http.parser.refused();
  detail::PendingRequest pending;
  pending.id = ++http.last_id;
  pending.since = std::chrono::steady_clock::now();
  pending.to_head = http.parser.request().method == "HEAD";
  pending.safe = detail::is_safe(http.parser.request().method);
  pending.last = refused || draining_ || !http.parser.keep_alive();
  http.ended = pending.last;
  http.pending.push_back(std::move(pending));
  const auto id = http.last_id;
  const auto handle = handle_of(index, connection);
  if (!connection.counted) http_requests_.fetch_add(1, std::memory_order_relaxed);
  connection.counted = true;
  if (refused) return answer(handle, id, net::error_response(http.parser.status()));

  HttpRequest request = std::move(http.parser.request());
  http.parser = net::RequestParser(http.limits);
  if (!handshake_filter_ && request.path() == "/ws") {
    return answer(handle, id, net::upgrade_required(request));
  }
  if (!http_handler_) return answer(handle, id, net::error_response(404));
  request.remote_address = http.peer;
  if (!http.gone) http.gone = std::make_shared<std::atomic<bool>>(false);
  request.client_gone = http.gone;
  serving_ = id;
  serving_handle_ = handle;
  try {
    const auto given = std::make_shared<Answer>(*this, handle, id);
    http_handler_(std::move(request),
                  [given](HttpResponse response) { given->give(std::move(response)); });
  } catch (...) {
    report(std::current_exception());
    answer(handle, id, net::error_response(500));
  }
  serving_ = 0;
}

/// Without memory for the answer the connection ends: half of one may be queued.
inline void Transport::answer(Handle handle, std::uint64_t request,
                              HttpResponse response) noexcept {
  auto* const connection = find(handle);
  if (connection == nullptr || connection->state != State::http || !connection->http) return;
  const auto index = static_cast<Index>(handle);
  try {
    give_answer(index, *connection, request, std::move(response));
  } catch (...) {
    report(std::current_exception());
    close_socket(index, *connection);
  }
}

inline void Transport::give_answer(Index index, Connection& connection, std::uint64_t request,
                                   HttpResponse response) {
  auto* const pending = connection.http->find(request);
  if (pending == nullptr || pending->answered) return;
  pending->last = pending->last || draining_;
  const auto after = pending->last ? net::AfterResponse::close : net::AfterResponse::keep_alive;
  auto& http = *connection.http;
  auto owned = response.shared_body ? 0 : response.body.size();
  if (!pending->to_head) http.guess = (std::max)({owned, http.guess / 2, min_guess_bytes});
  if (pending->to_head) owned = 0;
  if (owned > copied_body_bytes && !has_room(index, http, owned)) {
    response = busy_response();
  }
  auto head = net::write_head(response, pending->to_head, std::time(nullptr), after);
  if (head.body_follows && response.content().size() <= copied_body_bytes) {
    head.bytes.append(response.content());  // Two pieces cost more than such a copy.
  } else if (head.body_follows) {
    if (!response.shared_body) {
      pending->owned = response.body.size();
      response.shared_body = std::make_shared<const std::string>(std::move(response.body));
    }
    pending->body = Frame::sharing(std::move(response.shared_body));
  }
  pending->head = Frame::of(head.bytes);
  pending->owned += pending->head.size();
  http.owned += pending->owned;
  unsent_ += pending->owned;
  pending->answered = true;
  send_answers(index, connection);
}

/// The same, from outside the handler: what waited behind the answer may go on.
inline void Transport::answer_later(Handle handle, std::uint64_t request,
                                    HttpResponse response) noexcept {
  answer(handle, request, std::move(response));
  auto* const connection = find(handle);
  if (connection == nullptr || connection->state != State::http || !connection->http) return;
  const auto index = static_cast<Index>(handle);
  try {
    resume_requests(index, *connection);
    if (connection->state == State::http) update_http(index, *connection);
  } catch (...) {  // Out of memory.
    report(std::current_exception());
    close_socket(index, *connection);
  }
}

/// Queues the answers whose turn it is.
inline void Transport::send_answers(Index index, Connection& connection) {
  auto& http = *connection.http;
  auto& pending = http.pending;
  std::size_t count = 0;
  bool last = false;
  for (; count < pending.size() && pending[count].answered && !last; ++count) {
    queue_http(index, connection, pending[count].head);
    if (pending[count].body.size() > 0) queue_http(index, connection, pending[count].body);
    http.sent.push_back({http.queued, pending[count].owned});
    last = pending[count].last;
  }
  pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(count));
  if (last || (connection.client_ended && pending.empty())) {
    http.ended = true;
    finish(index, connection, options_.write_timeout);
  }
}

/// Whether an answer may take so many bytes more of memory.
inline bool Transport::has_room(Index index, const detail::HttpState& http, std::size_t owned) {
  if (http.owned > 0 && http.owned + owned > options_.max_unsent_bytes) return false;
  while (unsent_ > 0 && unsent_ + owned > options_.max_unsent_total_bytes) {
    if (!evict_stalled(index)) return false;
  }
  return true;
}

/// Closes the connection whose answers have waited longest for a client that reads nothing; false
/// if all of them get on. Linear in the connections, and only when memory for answers is short.
inline bool Transport::evict_stalled(Index but) {
  const auto now = std::chrono::steady_clock::now();
  const bool looks = now - stalls_seen_ >= stall_grace / 4;  // Not at the kernel's count each time.
  if (looks) stalls_seen_ = now;
  Index longest = but;
  auto since = now - stall_grace;
  for (Index i = 0; i < connections_.end_id(); ++i) {
    auto& one = connections_[i];
    if (i == but || one.fd < 0 || !one.http || one.http->owned == 0 || one.unwritten == 0) continue;
    if (looks) made_progress(one, now);
    if (one.http->write_since > since) continue;
    since = one.http->write_since;
    longest = i;
  }
  if (longest == but) return false;
  close_socket(longest, connections_[longest]);
  return true;
}

inline void Transport::queue_http(Index index, Connection& connection, const Frame& frame) {
  auto& http = *connection.http;
  if (connection.unwritten == 0) {
    http.write_since = std::chrono::steady_clock::now();
    http.seen_unacked = 0;
  }
  queue(index, connection, frame);
  http.queued += frame.size();
}

/// Gives back the memory of answers that have been written.
inline void Transport::forget_written(Connection& connection) noexcept {
  auto& http = *connection.http;
  const auto written = http.queued - connection.unwritten;
  while (!http.sent.empty() && http.sent.front().end <= written) {
    http.owned -= http.sent.front().owned;
    unsent_ -= http.sent.front().owned;
    http.sent.pop_front();
  }
}

/// Nobody waits for answers any more.
inline void Transport::abandon(detail::HttpState& http) noexcept {
  if (http.gone) http.gone->store(true, std::memory_order_relaxed);
  unsent_ -= std::exchange(http.owned, 0);
  http.sent.clear();
  http.pending.clear();
}

/// Whether the client has taken bytes since this was last so. What the kernel takes doesn't tell:
/// it holds megabytes for a slow client and asks for more only when a third of them is gone.
inline bool Transport::made_progress(Connection& connection, TimePoint now) noexcept {
  auto& http = *connection.http;
  const auto written = http.queued - connection.unwritten;
  const auto unacked = net::unacknowledged_bytes(connection.fd);
  const bool progress = written > http.seen_written || unacked < http.seen_unacked;
  http.seen_written = written;
  http.seen_unacked = unacked;
  if (progress) http.write_since = now;
  return progress;
}

inline void Transport::resume_requests(Index index, Connection& connection) {
  auto& http = *connection.http;
  if (!http.paused) return;
  http.paused = false;
  auto unread = std::exchange(http.unread, {});
  read_requests(index, connection, {unread.data(), unread.size()});
}

/// Sets the deadline for whatever the connection waits for now, and counts it while it is busy.
inline void Transport::update_http(Index index, Connection& connection) {
  auto& http = *connection.http;
  // Behind the answers to what came before, and never after the body (RFC 9110 section 10.1.1).
  if (http.pending.empty() && !http.ended && http.parser.take_continue()) {
    queue_http(index, connection, Frame::of(net::continue_response));
  }
  const auto now = std::chrono::steady_clock::now();
  const bool busy = !http.pending.empty() || connection.unwritten > 0;
  if (busy != connection.counted) {
    connection.counted = busy;
    http_requests_.fetch_add(busy ? 1 : std::size_t(-1), std::memory_order_relaxed);
  }
  auto deadline = (TimePoint::max)();
  if (busy) {
    http.idle = false;
    http.since = {};
    if (!http.pending.empty()) deadline = http.pending.front().since + options_.http_timeout;
    if (connection.unwritten > 0) {
      if (http.queued - connection.unwritten > http.seen_written) made_progress(connection, now);
      deadline = (std::min)(deadline, http.write_since + options_.write_timeout);
    }
  } else if (http.last_id == 0) {
    return;  // The first request is due when the connection's own deadline is.
  } else {
    const bool idle = http.parser.untouched();
    if (idle != http.idle || http.since == TimePoint{}) http.since = now;
    http.idle = idle;
    if (idle) connection.ticket.rest();
    deadline = http.since + (idle ? options_.keep_alive_timeout : options_.handshake_timeout);
  }
  timers_.schedule(index, deadline);
}

inline void Transport::on_http_deadline(Index index, Connection& connection, TimePoint now) {
  auto* const http = connection.http.get();
  const bool owes_answer = http != nullptr && !http->pending.empty() &&
                           now >= http->pending.front().since + options_.http_timeout;
  if (!owes_answer && http != nullptr && connection.unwritten > 0) {
    return on_write_deadline(index, connection, now);
  }
  if (!owes_answer) return close_socket(index, connection);
  auto& late = http->pending.front();
  late.last = true;
  answer(handle_of(index, connection), late.id, busy_response());
}

/// The client has had its time to take something: of what we hold or, behind that, of what the
/// kernel holds.
inline void Transport::on_write_deadline(Index index, Connection& connection, TimePoint now) {
  const bool lingers = connection.state == State::lingering;
  const bool owes = !lingers || net::unacknowledged_bytes(connection.fd) > 0;
  const auto patience = lingers ? options_.linger_timeout : options_.write_timeout;
  const bool progress = owes && made_progress(connection, now);
  const auto last_call = connection.http->write_since + options_.write_timeout;
  if (!owes || (!progress && now >= last_call)) return close_socket(index, connection);
  if (connection.state == State::http) return update_http(index, connection);
  timers_.schedule(index, (std::min)(now + patience, last_call));
}

inline HttpResponse Transport::busy_response() const {
  auto response = net::error_response(503);
  response.headers.push_back({"Retry-After", std::to_string(options_.retry_after.count())});
  return response;
}

}  // namespace ordercast::asio
