// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The seam for plain HTTP/1.1 requests that arrive on the same port as WebSockets.
///
/// A transport parses and bounds the request (RFC 9112), passes it to the handler, and writes the
/// answer. Nothing here does I/O. One thread at a time may use a value; any thread may call a
/// `HttpResponder`.
namespace ordercast {

/// One header field. Names compare without case (RFC 9110 section 5.1).
struct HttpHeader {
  std::string name;
  std::string value;
};

/// Compares ASCII text without case, for header names and tokens.
[[nodiscard]] inline bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

/// A complete request: the body has arrived and is within the transport's limit.
struct HttpRequest {
  std::string method;  ///< As sent: methods are case-sensitive.
  std::string target;  ///< Origin form: path and, after '?', the query; still percent-encoded.
  std::vector<HttpHeader> headers;
  std::string body;
  std::string remote_address;  ///< Peer's IP address without port; "" when unknown.
  /// Becomes true when the client disconnects; see `abandoned`. Null: unknown.
  std::shared_ptr<const std::atomic<bool>> client_gone = nullptr;

  /// Returns true once the client has disconnected, so that work which has not started can be
  /// skipped. Any thread.
  [[nodiscard]] bool abandoned() const noexcept {
    return client_gone && client_gone->load(std::memory_order_relaxed);
  }

  /// Returns the target up to '?', still percent-encoded.
  [[nodiscard]] std::string_view path() const noexcept {
    return std::string_view(target).substr(0, target.find('?'));
  }
  /// Returns the target after '?', still percent-encoded, or empty.
  [[nodiscard]] std::string_view query() const noexcept {
    const auto at = target.find('?');
    return at == std::string::npos ? std::string_view{} : std::string_view(target).substr(at + 1);
  }
  /// Returns the first header of that name, or empty. O(headers).
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept {
    for (const auto& field : headers) {
      if (iequals(field.name, name)) return field.value;
    }
    return {};
  }
};

/// An answer. The transport adds Content-Length, Date and Connection, omits the body of an answer
/// to HEAD, and answers 500 if a header value contains CR or LF.
struct HttpResponse {
  int status = 200;
  std::vector<HttpHeader> headers;
  std::string body;
  /// Used instead of `body` if not null: bytes that many answers share without a copy.
  std::shared_ptr<const std::string> shared_body = nullptr;

  /// Returns the body to send.
  [[nodiscard]] const std::string& content() const noexcept {
    return shared_body ? *shared_body : body;
  }
};

/// Answers one request. Call it exactly once, from any thread. The transport posts the answer to
/// the connection's thread, and drops it if the connection has closed. A responder that is
/// destroyed without a call answers 500.
using HttpResponder = std::function<void(HttpResponse)>;

/// Handles a request on the connection's I/O thread, so it must not block. It may answer at once or
/// pass the responder to another thread. An exception answers 500.
using HttpHandler = std::function<void(HttpRequest, HttpResponder)>;

}  // namespace ordercast
