// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// HTTP requests to other services, many at a time on one thread.
namespace order_server {

struct HttpCall {
  std::string url;
  std::vector<std::string> headers;  ///< "Name: value".
  std::string body;                  ///< Sent by POST.
  std::string basic_auth;            ///< "user:password", or empty.
};

/// Status 0: no answer; `error` says why. It holds nothing of the request.
struct HttpReply {
  int status = 0;
  std::string body;
  std::chrono::seconds retry_after{0};  ///< 0: the answer names no time.
  std::string error;
};

struct HttpClientOptions {
  /// PEM file with the certificates to trust; "" means the system's. Certificates and host names
  /// are always verified.
  std::string ca_file;
  std::chrono::milliseconds connect_timeout{5'000};
  /// From the start of a request to the end of its answer, waiting for a connection included.
  std::chrono::milliseconds timeout{15'000};
  /// Connections to one host. Over HTTP/2 each carries up to a hundred requests at a time.
  std::size_t connections = 4;
};

/// libcurl's multi interface: HTTP/2 where the server speaks it, connections that are used again,
/// HTTPS alone but for loopback, no redirects, answers of at most 64 KiB.
///
/// One thread, but for `wake`. The destructor drops what is under way, unanswered.
class HttpClient {
 public:
  using Done = std::function<void(HttpReply)>;

  explicit HttpClient(const HttpClientOptions& options);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// Begins a request. `done` runs once, within a later `poll`; it may start others.
  void start(HttpCall call, Done done);

  /// Waits until something has happened, `wake` was called or the time is up; runs what is done.
  void poll(std::chrono::milliseconds timeout);

  /// Ends a `poll` that waits, or the next one. Any thread.
  void wake();

  /// One request from beginning to end. Others that are under way go on meanwhile.
  [[nodiscard]] HttpReply fetch(HttpCall call);

  [[nodiscard]] std::size_t in_flight() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Whether a base URL may be given: https, or http to loopback; no query, no trailing slash.
[[nodiscard]] bool is_service_url(const std::string& url);

}  // namespace order_server
