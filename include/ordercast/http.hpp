// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The `http_handler` seam: plain HTTP/1.1 requests that arrive on the same port as WebSockets.
///
/// A transport parses and bounds the request (RFC 9112), hands it over, and writes whatever the
/// handler answers. Nothing here does I/O. Values are used by one thread at a time; a
/// `HttpResponder` may be called from any thread.
namespace ordercast {

/// One header field. Names compare without case (RFC 9110 section 5.1).
struct HttpHeader {
  std::string name;
  std::string value;
};

/// ASCII case-insensitive equality, as header names and tokens need.
[[nodiscard]] inline bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

/// A whole request: the body has arrived and is within the transport's limit.
struct HttpRequest {
  std::string method;  ///< As sent: methods are case-sensitive.
  std::string target;  ///< Origin form: path and, after '?', the query; still percent-encoded.
  std::vector<HttpHeader> headers;
  std::string body;
  std::string remote_address;  ///< Peer's IP address without port; "" when unknown.
  /// Set when the client has gone; see `abandoned`. Null: nobody will tell.
  std::shared_ptr<const std::atomic<bool>> client_gone = nullptr;

  /// True once nobody waits for the answer: work that has not begun need not be done. Any thread.
  [[nodiscard]] bool abandoned() const noexcept {
    return client_gone && client_gone->load(std::memory_order_relaxed);
  }

  /// The target up to '?'. Still percent-encoded.
  [[nodiscard]] std::string_view path() const noexcept {
    return std::string_view(target).substr(0, target.find('?'));
  }
  /// The target after '?', or empty. Still percent-encoded.
  [[nodiscard]] std::string_view query() const noexcept {
    const auto at = target.find('?');
    return at == std::string::npos ? std::string_view{} : std::string_view(target).substr(at + 1);
  }
  /// The first header of that name, or empty. Linear in the headers.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept {
    for (const auto& field : headers) {
      if (iequals(field.name, name)) return field.value;
    }
    return {};
  }
};

/// What goes back. The transport adds Content-Length, Date and the connection's fate, leaves out
/// the body of a HEAD answer, and refuses header values with CR or LF (they end in a 500).
struct HttpResponse {
  int status = 200;
  std::vector<HttpHeader> headers;
  std::string body;
  /// Instead of `body`: bytes that many answers share, without a copy for each. Null: `body`.
  std::shared_ptr<const std::string> shared_body = nullptr;

  /// The body that goes out.
  [[nodiscard]] const std::string& content() const noexcept {
    return shared_body ? *shared_body : body;
  }
};

/// Answers one request. Call it exactly once, from any thread; the transport posts the answer to
/// the connection's thread and drops it when the connection is gone. A responder that is destroyed
/// without a call answers 500.
using HttpResponder = std::function<void(HttpResponse)>;

/// Runs on the connection's I/O thread: it must not block. It may answer at once or hand the
/// responder to another thread. An exception that escapes it answers 500.
using HttpHandler = std::function<void(HttpRequest, HttpResponder)>;

}  // namespace ordercast
