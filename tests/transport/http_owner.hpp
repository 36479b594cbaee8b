// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/http_connection.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What tests of `HttpConnection` share: an owner without sockets, on a manual clock.
namespace ordercast::test {

using Lines = std::vector<std::string>;
using net::HttpConnection;
using net::HttpPiece;
using Kind = net::HttpConnection::Kind;
using Phase = net::HttpConnection::Phase;

/// What a client reads, one line an answer: status, body, and whether the connection goes on.
inline Lines replies(std::string_view wire, const std::vector<bool>& to_head = {}) {
  Lines lines;
  while (!wire.empty()) {
    const auto head_end = wire.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return {"cut: " + std::string(wire)};
    const auto head = wire.substr(0, head_end + 4);
    wire.remove_prefix(head.size());
    std::string line(head.substr(9, 3));
    const auto length_at = head.find("Content-Length: ");
    if (length_at != std::string_view::npos) {
      const auto length = std::stoul(std::string(head.substr(length_at + 16)));
      const bool has_body = lines.size() >= to_head.size() || !to_head[lines.size()];
      const auto body = wire.substr(0, has_body ? length : 0);
      wire.remove_prefix(body.size());
      if (line == "200" && !body.empty()) line += " " + std::string(body);
    }
    if (head.find("Connection: close") != std::string_view::npos) line += " close";
    lines.push_back(line);
  }
  return lines;
}

/// A connection with its owner: keeps what goes out, and the time.
class Owner {
 public:
  explicit Owner(const net::TransportOptions& options_in = {})
      : options(options_in), context(options) {
    context.date = [] { return std::time_t{0}; };
    http.emplace(context, "192.0.2.1", now + options.handshake_timeout);
  }

  /// Gives bytes, and once none to see what has waited. Requests go to `requests`.
  void give(std::string_view bytes) {
    REQUIRE((bytes.empty() || http->wants_input()));
    for (;;) {
      auto event = http->next(bytes, now);
      if (event.kind == Kind::none) break;
      if (event.kind == Kind::handshake) {
        handshakes.push_back(event.request.target);
        rest = event.rest;
        break;
      }
      requests.push_back(event.request.method + " " + event.request.target +
                         (event.request.body.empty() ? "" : " " + event.request.body));
      ids.push_back(event.id);
      last = std::move(event.request);
    }
    CHECK(bytes.empty());
    take();
  }
  void answer(std::size_t which, HttpResponse response) {
    http->answer(ids.at(which), std::move(response));
    take();
    give({});
  }
  /// The kernel takes so many bytes.
  void write(std::size_t bytes, std::size_t unacknowledged = 0) {
    http->on_written(bytes, unacknowledged, now);
    take();
    give({});
  }
  void write_all() {
    while (http->unwritten_bytes() > 0) write(http->unwritten_bytes());
  }
  void take() {
    http->take_output(now, [&](const HttpPiece& piece) { out += piece.view(); });
  }
  [[nodiscard]] bool closes() const {
    return http->phase() != Phase::open && http->phase() != Phase::lingering;
  }
  /// Lets time pass up to the deadline and tells the connection. False: close.
  bool pass_deadline(std::size_t unacknowledged = 0) {
    REQUIRE(http->deadline() != (TimePoint::max)());
    now = http->deadline();
    const bool goes_on = http->on_deadline(unacknowledged, now);
    if (goes_on) take();
    return goes_on;
  }

  net::TransportOptions options;
  net::HttpContext context;
  TimePoint now{std::chrono::hours(1)};
  std::optional<HttpConnection> http;
  Lines requests;
  std::vector<HttpConnection::RequestId> ids;
  HttpRequest last;
  Lines handshakes;
  std::string rest;
  std::string out;
};

inline std::string get(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}
inline std::string post(const std::string& target, const std::string& body) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

}  // namespace ordercast::test
