// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/options.hpp>
#include <ordercast/net/response_writer.hpp>
#include <ordercast/net/stalled_answers.hpp>
#include <ordercast/websocketpp/config.hpp>
#include <ordercast/websocketpp/detail/connection_table.hpp>
#include <ordercast/websocketpp/detail/end_connection.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

/// Handles the plain requests of one transport, each from the request to the last byte of its
/// answer: its deadlines, and the memory that answers take. One request per connection. One thread.
namespace ordercast::websocketpp::detail {

class HttpExchange {
 public:
  /// All of these must outlive it, and it must outlive the connections' owner, which timers look
  /// at.
  HttpExchange(const net::TransportOptions& options, const ConnectionTable& connections)
      : options_(options), connections_(connections) {}

  /// Takes a connection's request. Its answer comes from `answer`, or is 503 after `http_timeout`.
  /// `record.gone` must be set.
  [[nodiscard]] HttpRequest begin(Connection& connection) {
    auto& record = connection.record;
    HttpRequest request = connection.get_request().take();
    record.to_head = request.method == "HEAD";
    request.client_gone = record.gone;
    connection.defer_http_response();  // Ends websocketpp's own timeout, so that ours starts.
    start_answer_deadline(connection);
    connection.watch_for_reset();
    return request;
  }

  /// Sends the answer; later ones are dropped.
  void answer(Connection& connection, HttpResponse response) {
    auto& record = connection.record;
    if (record.answered) return;
    record.answered = true;
    if (record.deadline) record.deadline->cancel();
    const auto owned = response.shared_body ? 0 : response.body.size();
    if (owned > 0 && !has_room(owned)) response = busy_response();
    if (!response.shared_body) record.owned = response.body.size();
    unsent_ += record.owned;
    set_response(connection, std::move(response));
    std::error_code gone;
    connection.send_http_response(gone);
    if (connection.owner() == nullptr || gone) return;
    connection.made_progress();  // What the kernel took at once is not the client's progress.
    start_write_deadline(connection);
  }

  /// Sets what websocketpp will send as the answer to a request or a handshake.
  void set_response(Connection& connection, HttpResponse response) const {
    // websocketpp needs to know the status; the text on the wire is ours.
    const int status = net::is_writable(response) ? response.status : 500;
    connection.set_status(static_cast<::websocketpp::http::status_code::value>(status));
    auto head = net::write_head(response, connection.record.to_head, std::time(nullptr),
                                net::AfterResponse::close, options_.error_format);
    // websocketpp would copy the body several times, so it is sent past websocketpp from where it
    // is.
    if (head.body_follows) {
      if (!response.shared_body) {
        response.shared_body = std::make_shared<const std::string>(std::move(response.body));
      }
      connection.set_tail(std::move(response.shared_body));
    }
    connection.set_body(head.bytes);
  }

  /// The request's connection is closed, so nobody waits for the answer.
  void abandon(Connection& connection) noexcept {
    auto& record = connection.record;
    record.answered = true;
    unsent_ -= std::exchange(record.owned, 0);
    record.gone->store(true, std::memory_order_relaxed);
    if (record.deadline) record.deadline->cancel();
  }

 private:
  void start_answer_deadline(Connection& connection) {
    auto* const c = &connection;
    connection.record.deadline =
        connection.set_timer(static_cast<long>(options_.http_timeout.count()),
                             [this, c](const std::error_code& cancelled) {
                               if (cancelled || c->record.answered || c->owner() == nullptr) return;
                               c->record.gone->store(true, std::memory_order_relaxed);
                               answer(*c, busy_response());
                             });
  }

  /// From here on the client must read. As long as it does, it has all the time it needs.
  void start_write_deadline(Connection& connection) {
    if (connection.owner() == nullptr || connection.in_flight() == 0) return;
    auto* const c = &connection;
    connection.record.progress_at = std::chrono::steady_clock::now();
    connection.record.deadline =
        connection.set_timer(static_cast<long>(options_.write_timeout.count()),
                             [this, c](const std::error_code& cancelled) {
                               if (cancelled || c->owner() == nullptr) return;
                               c->made_progress() ? start_write_deadline(*c) : end_connection(*c);
                             });
  }

  /// Whether an answer may take this much more memory. Closes connections that have stopped reading
  /// if it needs room.
  [[nodiscard]] bool has_room(std::size_t owned) {
    while (unsent_ > 0 && unsent_ + owned > options_.max_unsent_total_bytes) {
      if (!evict_stalled()) return false;
    }
    return true;
  }

  /// Closes the connection whose answer has waited longest for a client that reads nothing. Returns
  /// false if every client is reading. Linear in the connections; called only when memory for
  /// answers runs short.
  [[nodiscard]] bool evict_stalled() {
    const auto longest = stalled_answers_.find_longest<Connection*>(
        std::chrono::steady_clock::now(), [&](auto&& visit) {
          connections_.for_each([&](Connection& one) {
            if (one.record.owned == 0 || one.in_flight() == 0) return;
            visit(
                &one,
                [&](TimePoint now) {
                  if (one.made_progress()) one.record.progress_at = now;
                },
                [&] { return one.record.progress_at; });
          });
        });
    if (!longest) return false;
    (*longest)->close_socket();
    return true;
  }

  [[nodiscard]] HttpResponse busy_response() const {
    return net::unavailable_response(options_.retry_after, options_.error_format);
  }

  const net::TransportOptions& options_;
  const ConnectionTable& connections_;
  std::size_t unsent_ = 0;  // Bytes of answers that are in memory for one connection each.
  net::StalledAnswers stalled_answers_;
};

}  // namespace ordercast::websocketpp::detail
