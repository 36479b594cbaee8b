// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/deflate_terms.hpp>
#include <ordercast/net/error_report.hpp>
#include <ordercast/net/response_writer.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Decides who may open a WebSocket: nobody while the server drains, otherwise everyone whom the
/// application's filter admits. Without a filter only the path /ws is a WebSocket.
///
/// One thread; no I/O. Requests must have passed `RequestParser`, which checks the handshake
/// itself.
namespace ordercast::net {

/// The results of a WebSocket handshake.
struct Opening {
  std::string token;             ///< See `token_of`.
  std::string_view subprotocol;  ///< To name in the answer; "" for none.
  bool hello = false;            ///< True if the client understands `hello`.
  DeflateTerms deflate;          ///< Whether its messages and ours may be compressed.
};

[[nodiscard]] inline Opening opening_of(const HttpRequest& request) {
  const auto subprotocol = select_subprotocol(request);
  return {token_of(request), subprotocol, subprotocol == subprotocol_v2_name, {}};
}

class HandshakeGate {
 public:
  /// `retry_after`: sent to clients while the server drains. `on_error` gets exceptions of the
  /// filter; it may be empty.
  HandshakeGate(std::chrono::seconds retry_after, std::function<void(std::exception_ptr)> on_error,
                ErrorFormat format = plain_error)
      : retry_after_(retry_after), on_error_(std::move(on_error)), format_(format) {}

  void set_filter(HandshakeFilter filter) { filter_ = std::move(filter); }

  /// Refuses every handshake with 503 from now on.
  void begin_drain() noexcept { draining_ = true; }
  [[nodiscard]] bool is_draining() const noexcept { return draining_; }

  /// Returns the refusal of a handshake, or nullopt to accept it. A filter that throws refuses
  /// with 500.
  [[nodiscard]] std::optional<HttpResponse> refuse(const HttpRequest& request) const {
    if (draining_) return unavailable_response(retry_after_, format_);
    try {
      if (filter_) return filter_(request);
    } catch (...) {
      report_error(on_error_, std::current_exception());
      return error_response(500, format_);
    }
    if (request.path() != websocket_path) return error_response(404, format_);
    return std::nullopt;
  }

  /// Returns 426 for a plain request whose path is a WebSocket's; nullopt for all others. With a
  /// filter only the application knows which paths those are.
  [[nodiscard]] std::optional<HttpResponse> refuse_plain(const HttpRequest& request) const {
    if (filter_ || request.path() != websocket_path) return std::nullopt;
    return upgrade_required(request, format_);
  }

 private:
  static constexpr std::string_view websocket_path = "/ws";

  std::chrono::seconds retry_after_;
  std::function<void(std::exception_ptr)> on_error_;
  ErrorFormat format_;
  HandshakeFilter filter_;
  bool draining_ = false;
};

}  // namespace ordercast::net
