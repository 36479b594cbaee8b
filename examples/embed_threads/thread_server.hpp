// SPDX-License-Identifier: MIT
#pragma once

#include "socket.hpp"
#include "thread_transport.hpp"
#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/accept_handshake.hpp>
#include <ordercast/net/frame_parser.hpp>
#include <ordercast/net/request_parser.hpp>
#include <ordercast/net/response_writer.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace embed {

struct ThreadServerOptions {
  std::uint16_t port = 0;  ///< 0 picks a free one.
  /// Closes further connections at once. Each connection costs a thread and two descriptors.
  std::size_t max_connections = 400;
  std::size_t max_message_bytes = 4 * 1024;
  /// Time limit for a request and its answer.
  std::chrono::milliseconds request_timeout{10'000};
  /// Called with an exception of an event or of the application's handler, which ends that
  /// connection. Any thread.
  std::function<void(const std::exception&)> on_error = [](const std::exception&) {};
};

/// A server with a thread for each connection. `http` answers plain HTTP on the connection's thread
/// and may block. WebSocket events go to `sink`, a ConnectionManager, under one lock, since the
/// core allows one thread at a time. No thread waits for a socket while it holds the lock.
template <class Sink>
class ThreadServer {
 public:
  using Http = std::function<ordercast::HttpResponse(const ordercast::HttpRequest&)>;
  using Handle = ThreadTransport::Handle;

  ThreadServer(ThreadTransport& transport, Sink& sink, Http http, ThreadServerOptions options = {})
      : transport_(transport),
        sink_(sink),
        http_(std::move(http)),
        options_(std::move(options)),
        listener_(listen_on(options_.port)) {}

  [[nodiscard]] std::uint16_t port() const { return port_of(listener_); }

  /// Calls `f(sink)` with the lock. Any thread, but not from within such a call or from an event.
  template <class F>
  auto locked(F f) {
    const std::lock_guard lock(mutex_);
    return f(sink_);
  }

  /// Accepts connections until `stop`, then waits for every thread to end.
  void run() {
    auto tick = now();
    for (pollfd listening{listener_.get(), POLLIN, 0};;) {
      if (!wait(listening, stop_, tick) && stopping_) break;
      if ((listening.revents & POLLIN) != 0) accept_one();
      workers_.remove_if([](Worker& worker) {
        if (!worker.done) return false;
        worker.thread.join();
        return true;
      });
      if (now() < tick) continue;
      // An event may create an earlier deadline; meeting it 100 ms late is good enough for the
      // core.
      const auto due = locked([](Sink& sink) { return sink.tick(now()); });
      tick = (std::min)(due, now() + std::chrono::milliseconds(100));
    }
    ::shutdown(listener_.get(), SHUT_RDWR);  // Ends those that no thread has taken yet.
    for (auto& worker : workers_) worker.thread.join();
    workers_.clear();
  }

  /// Ends all connections. Any thread, and signal handlers.
  void stop() noexcept {
    stopping_ = true;
    stop_.set();
  }

 private:
  struct Worker {
    std::thread thread;
    std::atomic<bool> done{false};
  };

  void accept_one() {
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {  // If no descriptor is left, the listener stays readable: don't spin.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      return;
    }
    Descriptor socket(fd);
    if (workers_.size() >= options_.max_connections) return;
    auto& worker = workers_.emplace_back();
    try {
      worker.thread = std::thread([this, &worker, socket = std::move(socket)] {
        try {
          serve(socket);
        } catch (const std::exception& error) {
          options_.on_error(error);
        }
        worker.done = true;
      });
    } catch (const std::exception&) {  // The system can't start a thread.
      workers_.pop_back();
    }
  }

  /// Reads one request. Serves a WebSocket after a handshake; answers and closes anything else.
  void serve(const Descriptor& socket) {
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto deadline = now() + options_.request_timeout;
    ordercast::net::RequestParser parser;
    std::string behind;
    while (!parser.complete() && !parser.refused()) {
      std::array<char, 4096> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
      const auto count = read_some(socket, buffer.data(), buffer.size(), stop_, deadline);
      if (count == 0) return;
      const auto taken = parser.consume({buffer.data(), count});
      behind.assign(buffer.data() + taken, count - taken);
      if (parser.take_continue() &&
          !write_all(socket, ordercast::net::continue_response, stop_, deadline)) {
        return;
      }
    }
    const auto& request = parser.request();
    if (!parser.refused() && parser.is_handshake() && request.path() == "/ws") {
      const auto answer = ordercast::net::accept_handshake(request);
      if (write_all(socket, answer, stop_, deadline)) serve_websocket(socket, request, behind);
      return;
    }
    const auto response = answer(parser);
    if (write_all(
            socket,
            ordercast::net::write_response(response, request.method == "HEAD", std::time(nullptr)),
            stop_, deadline)) {
      linger(socket, stop_, deadline);
    }
  }

  [[nodiscard]] ordercast::HttpResponse answer(const ordercast::net::RequestParser& parser) const {
    using ordercast::net::error_response;
    if (parser.refused()) return error_response(parser.status());
    if (parser.is_handshake()) return error_response(404);
    try {
      return http_ ? http_(parser.request()) : error_response(404);
    } catch (const std::exception& error) {
      options_.on_error(error);
      return error_response(500);
    }
  }

  /// From `on_open` to `on_close`.
  void serve_websocket(const Descriptor& socket, const ordercast::HttpRequest& handshake,
                       std::string& behind) {
    ThreadTransport::Peer peer(socket.get());
    Handle handle = 0;
    try {
      {
        const std::lock_guard lock(mutex_);
        handle = transport_.add(peer);
        sink_.on_open(handle, ordercast::token_of(handshake),
                      ordercast::select_subprotocol(handshake) == ordercast::subprotocol_v2_name);
      }
      converse(socket, handle, peer, behind);
    } catch (const std::exception& error) {  // It costs this connection alone.
      options_.on_error(error);
      const std::lock_guard lock(mutex_);
      transport_.close(handle, ordercast::CloseCode::internal_error, {});
    }
    {
      const std::lock_guard lock(mutex_);
      transport_.remove(handle);
      sink_.on_close(handle);
    }
    if (!peer.gone)
      linger(socket, stop_, (std::min)(peer.deadline, now() + std::chrono::seconds(1)));
  }

  /// Reads and writes until the connection ends. It may wait long for the peer: the core's
  /// heartbeat finds dead peers and closes them.
  void converse(const Descriptor& socket, Handle handle, ThreadTransport::Peer& peer,
                std::string& behind) {
    ordercast::net::FrameParser parser({options_.max_message_bytes});
    take(parser, handle, peer, {behind.data(), behind.size()});
    std::array<char, 4096> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    for (;;) {
      pollfd ready{socket.get(), POLLIN, 0};
      auto deadline = (TimePoint::max)();
      {
        const std::lock_guard lock(mutex_);
        if (peer.gone || (peer.finished && peer.queue.empty())) return;
        if (!peer.queue.empty()) ready.events |= POLLOUT;
        deadline = peer.deadline;
      }
      if (!wait(ready, stop_, deadline, &peer.wake)) return;
      if ((ready.revents & POLLOUT) != 0) write_on(handle, peer);
      if ((ready.revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      const auto count = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count == 0 || (count < 0 && errno != EAGAIN)) return;
      if (count > 0) {
        take(parser, handle, peer, {buffer.data(), static_cast<std::size_t>(count)});
      }
    }
  }

  void write_on(Handle handle, ThreadTransport::Peer& peer) {
    const std::lock_guard lock(mutex_);
    ThreadTransport::flush(peer);
    if (peer.closing || peer.gone || peer.bytes > ThreadTransport::low_water_bytes) return;
    if (std::exchange(peer.owes_writable, false)) sink_.on_writable(handle);
  }

  /// Passes the client's messages to the core. Parsing needs no lock; the core does.
  void take(ordercast::net::FrameParser& parser, Handle handle, ThreadTransport::Peer& peer,
            ordercast::net::Input input) {
    using Kind = ordercast::net::FrameParser::Kind;
    for (;;) {
      const auto item = parser.next(input);
      const auto fragments = parser.take_empty_fragments();
      const std::lock_guard lock(mutex_);
      // Once our close frame is queued, only the peer's close frame matters.
      const bool heard = !peer.closing && !peer.gone;
      for (unsigned i = 0; heard && i < fragments; ++i) sink_.on_control(handle);
      switch (item.kind) {
        case Kind::text:
          if (heard) sink_.on_message(handle, item.payload);
          break;
        case Kind::ping:
          if (!heard) break;
          transport_.pong(handle, item.payload);
          sink_.on_control(handle);
          break;
        case Kind::pong:
          if (!heard) break;
          sink_.on_pong(handle);
          sink_.on_control(handle);
          break;
        case Kind::close:
          transport_.close_received(handle, item.payload);
          return;
        case Kind::refused:
          transport_.close(handle, item.code, {});
          peer.finished = true;
          return;
        default:
          return;
      }
    }
  }

  ThreadTransport& transport_;
  Sink& sink_;
  Http http_;
  ThreadServerOptions options_;
  std::mutex mutex_;  // Guards the core and the transport.
  Signal stop_;
  std::atomic<bool> stopping_{false};
  Descriptor listener_;
  std::list<Worker> workers_;  // Used by the accepting thread only.
};

}  // namespace embed
