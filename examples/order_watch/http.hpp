// SPDX-License-Identifier: MIT
#pragma once

// Before Asio, which looks for what the standard library has.
// clang-format off
#include <cstddef>
// clang-format on

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace order_watch {

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::string bearer;  ///< An access token, or empty.
  std::string body;    ///< JSON, or empty.
};

/// Status 0: no answer; `error` says why.
struct HttpAnswer {
  int status = 0;
  std::string body;
  std::string error;
};

/// Makes HTTP requests, one at a time, on its own thread: a slow answer must not delay the
/// heartbeats on the event loop. Posts answers to the event loop.
///
/// Bounds: 4 MiB an answer, ten seconds a request, 200 waiting requests (more fail at once). The
/// destructor aborts the request in progress.
class HttpWorker {
 public:
  using Done = std::function<void(HttpAnswer)>;

  explicit HttpWorker(asio::io_context& io);
  HttpWorker(const HttpWorker&) = delete;
  HttpWorker& operator=(const HttpWorker&) = delete;
  ~HttpWorker();

  /// Calls `done` once, on the event loop, or never if the worker is destroyed first.
  void ask(HttpRequest request, Done done);

 private:
  struct Job {
    HttpRequest request;
    Done done;
  };
  void run();
  [[nodiscard]] HttpAnswer perform(const HttpRequest& request);

  static constexpr std::size_t max_waiting = 200;

  asio::any_io_executor executor_;
  std::atomic<bool> ending_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;  // under mutex_
  std::thread thread_;
};

}  // namespace order_watch
