// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// Sends HTTP requests to other services, many at a time on one thread.
namespace order_server {

struct HttpCall {
  std::string url;
  std::vector<std::string> headers;  ///< "Name: value".
  std::string body;                  ///< Sent by POST.
  bool is_get = false;               ///< GET, without the body.
  std::string basic_auth;            ///< "user:password", or empty.
};

/// The answer to a request. Status 0: no answer, and `error` says why, without any text of the
/// request.
struct HttpReply {
  int status = 0;
  std::string body;
  std::chrono::seconds retry_after{0};  ///< 0: no such header.
  std::string error;
};

struct HttpClientOptions {
  /// PEM file of the certificates to trust; "" for the system's. Certificates and host names are
  /// always verified.
  std::string ca_file;
  std::chrono::milliseconds connect_timeout{5'000};
  /// From the start of a request to the end of its answer, including the wait for a connection.
  std::chrono::milliseconds timeout{15'000};
  /// Most connections to one host. Over HTTP/2 each carries up to 100 requests at a time.
  std::size_t connections = 4;
};

/// An HTTP client on libcurl's multi interface. Uses HTTP/2 if the server supports it, and keeps
/// connections. Takes HTTPS only, except on loopback. Follows no redirects, and reads at most 64
/// KiB of an answer.
///
/// One thread, except for `wake`. The destructor drops requests in progress without calling `done`.
class HttpClient {
 public:
  using Done = std::function<void(HttpReply)>;

  explicit HttpClient(const HttpClientOptions& options);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// Starts a request. Calls `done` once, within a later `poll`; `done` may start other requests.
  void start(HttpCall call, Done done);

  /// Waits for an answer, for `wake` or for the timeout, then completes the requests that have
  /// ended.
  void poll(std::chrono::milliseconds timeout);

  /// Makes the current `poll`, or the next one, return. Any thread.
  void wake();

  /// Sends one request and waits for its answer. Other requests go on in the meantime.
  [[nodiscard]] HttpReply fetch(HttpCall call);

  [[nodiscard]] std::size_t in_flight() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Returns true for a usable base URL: https, or http on loopback; no query, no trailing slash.
[[nodiscard]] bool is_service_url(const std::string& url);

}  // namespace order_server
