// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/net/deflate_terms.hpp>
#include <ordercast/net/request_parser.hpp>
#include <ordercast/net/response_writer.hpp>
#include <ordercast/websocketpp/detail/deflate_policy.hpp>

#include <websocketpp/http/constants.hpp>
#include <websocketpp/http/request.hpp>

#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

/// websocketpp's policy for requests, on our own parser. The base class has the members that
/// websocketpp names but a server never calls. The connection's thread only.
namespace ordercast::websocketpp::detail {

/// `config::request_type`. A refusal leaves `consume` as the exception that websocketpp turns into
/// an error response.
class Request : public ::websocketpp::http::parser::request {
 public:
  std::size_t consume(const char* bytes, std::size_t count) {
    const auto used = parser_->consume({bytes, count});
    on_held_(parser_->held_bytes());
    if (parser_->take_continue()) on_continue_();
    if (parser_->complete() && parser_->is_handshake()) on_frames_({bytes + used, count - used});
    if (parser_->refused()) {
      const auto status = parser_->status();
      // The error's message carries the answer; see Response.
      throw ::websocketpp::http::exception(
          "refused", static_cast<::websocketpp::http::status_code::value>(status),
          net::write_response(net::error_response(status, format_), false, std::time(nullptr),
                              net::AfterResponse::close, format_));
    }
    return used;
  }
  [[nodiscard]] bool ready() const noexcept { return parser_ && parser_->complete(); }

  [[nodiscard]] const std::string& get_method() const noexcept { return request().method; }
  [[nodiscard]] const std::string& get_uri() const noexcept { return request().target; }
  [[nodiscard]] const std::string& get_version() const noexcept {
    return parser_ ? parser_->version() : empty();
  }
  [[nodiscard]] const std::string& get_body() const noexcept { return request().body; }

  /// websocketpp tells a handshake by "Upgrade" and "Connection", but it searches one line for
  /// substrings where RFC 6455 has elements of a list. So it gets our parser's verdict.
  [[nodiscard]] const std::string& get_header(const std::string& name) const noexcept {
    static const std::string upgrade = "Upgrade";
    static const std::string websocket = "websocket";
    const bool handshake = parser_ && parser_->is_handshake();
    if (iequals(name, upgrade)) return handshake ? websocket : empty();
    if (iequals(name, "Connection") && handshake) return upgrade;
    // Our parser has checked it. websocketpp would build a URI that nobody uses, and refuse valid
    // ports and names.
    if (iequals(name, "Host")) return upgrade;
    for (const auto& field : request().headers) {
      if (iequals(field.name, name)) return field.value;
    }
    return empty();
  }

  /// Lists the extension that was agreed on; see `DeflatePolicy`. `select_subprotocol` reads the
  /// protocols, so there is nothing else to list.
  bool get_header_as_plist(const std::string& name,
                           ::websocketpp::http::parameter_list& out) const {
    if (!iequals(name, "Sec-WebSocket-Extensions")) return false;
    if (allows_deflate_ && !deflate_) deflate_ = net::negotiate_deflate(request());
    if (deflate_) {
      out.emplace_back("permessage-deflate", DeflatePolicy<Request>::as_offer(deflate_));
    }
    return false;
  }

  // For the transport. `const`, because websocketpp gives out a connection's request only as
  // `const`, though only the connection's owner has it.

  /// Prepares for a request. Call it before the connection starts. `format` says how a refused
  /// request is answered. `on_held` gets the number of the request's bytes that have come.
  /// `on_continue` is called when the client waits for the interim answer before it sends a body.
  /// `on_frames` gets the bytes that came after a handshake, often none.
  void expect(net::RequestLimits limits, std::string remote_address, net::ErrorFormat format,
              std::function<void(std::size_t)> on_held, std::function<void()> on_continue,
              std::function<void(std::string_view)> on_frames) const {
    format_ = format;
    on_held_ = std::move(on_held);
    on_continue_ = std::move(on_continue);
    on_frames_ = std::move(on_frames);
    parser_ = std::make_unique<net::RequestParser>(limits);
    parser_->request().remote_address = std::move(remote_address);
  }

  /// Accepts an offer of permessage-deflate in the request.
  void allow_deflate() const noexcept { allows_deflate_ = true; }
  /// The same, with terms that were answered elsewhere.
  void set_deflate(const net::DeflateTerms& terms) const noexcept { deflate_ = terms; }
  /// What the handshake has agreed on.
  [[nodiscard]] const net::DeflateTerms& deflate() const noexcept { return deflate_; }

  /// The request as `http_handler` gets it; empty once taken.
  [[nodiscard]] const HttpRequest& request() const noexcept {
    static const HttpRequest none;
    return parser_ ? std::as_const(*parser_).request() : none;
  }

  /// Moves the request out and frees the memory kept for it.
  [[nodiscard]] HttpRequest take() const {
    const auto parsed = std::move(parser_);
    on_held_ = nullptr;
    on_continue_ = nullptr;
    on_frames_ = nullptr;
    return parsed ? std::move(parsed->request()) : HttpRequest{};
  }

 private:
  static const std::string& empty() noexcept {
    static const std::string none;
    return none;
  }

  mutable std::unique_ptr<net::RequestParser> parser_;
  mutable bool allows_deflate_ = false;
  mutable net::DeflateTerms deflate_;
  mutable net::ErrorFormat format_ = net::plain_error;
  mutable std::function<void(std::size_t)> on_held_;
  mutable std::function<void()> on_continue_;
  mutable std::function<void(std::string_view)> on_frames_;
};

}  // namespace ordercast::websocketpp::detail
