// SPDX-License-Identifier: MIT
#pragma once

#include "recording_server.hpp"
#include <ordercast/clock.hpp>
#include <ordercast/sharded.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// What the tests need of a transport; backend_on.hpp makes it from any transport.
namespace ordercast::test {

/// Records events for another thread to read.
class RecordingSink {
 public:
  RecordingSink(std::function<void(const Event&)> hook, std::function<void(Handle)> control_hook)
      : hook_(std::move(hook)), control_hook_(std::move(control_hook)) {}

  void on_open(Handle handle, std::string_view token, bool hello) {
    record({Event::Kind::open, handle, std::string(token), hello});
  }
  void on_control(Handle handle) {
    ++controls_;
    if (control_hook_) control_hook_(handle);
  }
  void on_message(Handle handle, std::string_view text) {
    record({Event::Kind::message, handle, std::string(text)});
  }
  void on_pong(Handle handle) { record({Event::Kind::pong, handle, {}}); }
  void on_writable(Handle handle) { record({Event::Kind::writable, handle, {}}); }
  void on_close(Handle handle) { record({Event::Kind::close, handle, {}}); }
  TimePoint tick(TimePoint) { return TimePoint::max(); }

  std::optional<Event> next(std::chrono::milliseconds timeout) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!arrived_.wait_for(lock, timeout, [&] { return !events_.empty(); })) return std::nullopt;
    auto event = std::move(events_.front());
    events_.pop_front();
    return event;
  }
  std::size_t controls() const { return controls_; }
  std::size_t unread() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return events_.size();
  }

 private:
  void record(const Event& event) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      events_.push_back(event);
    }
    arrived_.notify_one();
    if (hook_) hook_(event);
  }

  std::function<void(const Event&)> hook_;
  std::function<void(Handle)> control_hook_;
  std::atomic<std::size_t> controls_{0};
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Event> events_;
};

/// A transport, its acceptor and its loop. The calls that say so run on the loop's thread.
class RecordingBackend {
 public:
  RecordingBackend(std::function<void(const Event&)> hook, std::function<void(Handle)> control_hook)
      : sink(std::move(hook), std::move(control_hook)) {}
  RecordingBackend(const RecordingBackend&) = delete;
  RecordingBackend& operator=(const RecordingBackend&) = delete;
  virtual ~RecordingBackend() = default;

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual std::size_t websockets() const = 0;
  [[nodiscard]] virtual std::size_t http_requests() const = 0;
  [[nodiscard]] virtual std::size_t open_sockets() const = 0;
  [[nodiscard]] virtual std::size_t errors() const = 0;
  virtual void post(std::function<void()> task) = 0;
  virtual void stop() = 0;

  // On the loop's thread.
  virtual std::vector<SendResult> send(const std::vector<Handle>& handles,
                                       const std::string& text) = 0;
  [[nodiscard]] virtual std::size_t buffered_bytes(Handle handle) const = 0;
  [[nodiscard]] virtual std::size_t unacknowledged_bytes(Handle handle) const = 0;
  virtual void adopt(int fd) = 0;
  virtual void end_all() = 0;
  virtual void ping(Handle handle) = 0;
  virtual void close(Handle handle, CloseCode code, const std::string& reason) = 0;
  virtual void terminate(Handle handle) = 0;
  virtual void begin_drain() = 0;

  RecordingSink sink;
};

/// A net::Server.
class WholeBackend {
 public:
  WholeBackend() = default;
  WholeBackend(const WholeBackend&) = delete;
  WholeBackend& operator=(const WholeBackend&) = delete;
  virtual ~WholeBackend() = default;

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  virtual void publish(const OrderEvent& event, ChangeMessages messages,
                       std::function<void(PublishOutcome)> done) = 0;
  virtual void ping_user(const std::string& user_id, std::function<void()> done) = 0;
  virtual void disconnect_user(std::string user_id, CloseCode code, std::string reason) = 0;
  virtual bool adopt(int fd, std::string bytes_read) = 0;
  virtual bool adopt(int fd, const HttpRequest& request, const std::string& bytes_behind) = 0;
  virtual bool adopt_websocket(int fd, const HttpRequest& handshake, std::string bytes_behind,
                               const net::DeflateTerms& deflate) = 0;
  virtual void drain(std::chrono::milliseconds window) = 0;
  virtual void stop() = 0;
  virtual void join() = 0;
  [[nodiscard]] virtual std::size_t connections() const = 0;
  [[nodiscard]] virtual std::size_t subscriptions() const = 0;
};

/// A transport with a real connection manager, and its acceptor, on one loop and thread.
class ScarceBackend {
 public:
  ScarceBackend() = default;
  ScarceBackend(const ScarceBackend&) = delete;
  ScarceBackend& operator=(const ScarceBackend&) = delete;
  virtual ~ScarceBackend() = default;

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  virtual void post(std::function<void()> task) = 0;
  virtual void stop() = 0;

  // On the loop's thread.
  [[nodiscard]] virtual ScarceServer::Counts counts() const = 0;
  virtual void publish(const OrderEvent& event) = 0;
  virtual void disconnect_user(const std::string& user_id, CloseCode code) = 0;
  virtual void begin_drain(std::chrono::milliseconds window) = 0;
};

/// Makes servers on one transport.
struct Backends {
  std::unique_ptr<RecordingBackend> (*recording)(RecordingServer::Setup setup);
  std::unique_ptr<WholeBackend> (*whole)(net::ServerOptions options, HttpHandler http);
  std::unique_ptr<ScarceBackend> (*scarce)(net::TransportOptions options, HttpHandler http);
  void (*listen_once)(const std::string& host, std::uint16_t port);
};

[[nodiscard]] Backends websocketpp_backends();
[[nodiscard]] Backends asio_backends();
[[nodiscard]] Backends threads_backends();

}  // namespace ordercast::test
