// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/connection_budget.hpp>
#include <ordercast/connection_manager.hpp>
#include <ordercast/net/handshake_gate.hpp>
#include <ordercast/net/loop_port.hpp>
#include <ordercast/net/options.hpp>
#include <ordercast/net/socket.hpp>

#include <asio/dispatch.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ordercast::net::detail {

/// Runs a loop to its end. An exception from it (Asio without memory) loses one handler but does
/// not end the loop: everything important waits with reserved memory.
inline void run_loop(::asio::io_context& io,
                     const std::function<void(std::exception_ptr)>& on_error) noexcept {
  for (;;) {
    try {
      io.run();
      return;
    } catch (...) {
      if (on_error) on_error(std::current_exception());
    }
  }
}

/// One I/O thread of a server: event loop, transport, connection manager. It is the sink between
/// transport and manager, so that other threads can read the manager's counts.
///
/// Threads: the loop's, except for `post`, `poster`, `adopt` and the counts (any).
template <class Transport, class ServicesT>
class Shard {
 public:
  using Manager = ConnectionManager<Transport, ServicesT>;
  using Handle = typename Transport::Handle;
  using Task = std::function<void()>;

  explicit Shard(const TransportOptions& options)
      : transport(io, options),
        on_error_(options.on_error),
        port_(std::make_shared<LoopPort>(io)),
        work_(::asio::make_work_guard(io)) {}
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard() { port_->close(); }

  /// Creates the manager. Separate from the constructor because the services need `poster`.
  void start(ServicesT services, const Limits& limits, ConnectionBudget& budget) {
    manager_.emplace(transport, std::move(services), limits, &budget);
    transport.bind(*this);
  }

  [[nodiscard]] Manager& manager() noexcept { return *manager_; }

  void post(Task task) { post(*port_, this, std::move(task)); }

  /// `post` as a function that may outlive the shard.
  [[nodiscard]] std::function<void(Task)> poster() {
    return [port = port_, this](Task task) { post(*port, this, std::move(task)); };
  }

  void adopt(Socket socket, SocketTicket ticket) {
    ::asio::dispatch(io, [this, socket = std::move(socket), ticket = std::move(ticket)]() mutable {
      guarded([&] { transport.adopt(std::move(socket), std::move(ticket)); });
    });
  }

  /// The same for a connection from which bytes were read elsewhere. Posts it, since the call may
  /// come from a handler of another connection.
  void adopt_begun(Socket socket, SocketTicket ticket, std::string bytes_read) {
    ::asio::post(io, [this, socket = std::move(socket), ticket = std::move(ticket),
                      bytes_read = std::move(bytes_read)]() mutable {
      guarded([&] { transport.adopt(std::move(socket), std::move(ticket), bytes_read); });
    });
  }
  void adopt_websocket(Socket socket, SocketTicket ticket, Opening opening,
                       std::string bytes_read) {
    ::asio::post(io, [this, socket = std::move(socket), ticket = std::move(ticket),
                      opening = std::move(opening), bytes_read = std::move(bytes_read)]() mutable {
      guarded([&] {
        transport.adopt_websocket(std::move(socket), std::move(ticket), opening, bytes_read);
      });
    });
  }

  /// Returns after `stop`, when everything has ended.
  void run() { run_loop(io, on_error_); }

  /// On the loop's thread.
  void begin_drain(std::chrono::milliseconds window) {
    draining_ = true;
    transport.begin_drain();
    manager().begin_drain(window);
  }
  [[nodiscard]] bool is_draining() const noexcept { return draining_; }

  void stop() {
    transport.stop();
    work_.reset();
  }

  [[nodiscard]] std::size_t connections() const noexcept {
    return connections_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t subscriptions() const noexcept {
    return subscriptions_.load(std::memory_order_relaxed);
  }

  // The sink.
  void on_open(Handle handle, std::string_view token, bool hello) {
    manager_->on_open(handle, token, hello);
    count();
  }
  void on_message(Handle handle, std::string_view text) {
    manager_->on_message(handle, text);
    count();
  }
  void on_control(Handle handle) { manager_->on_control(handle); }
  void on_pong(Handle handle) { manager_->on_pong(handle); }
  void on_writable(Handle handle) { manager_->on_writable(handle); }
  void on_close(Handle handle) {
    manager_->on_close(handle);
    count();
  }
  TimePoint tick(TimePoint now) {
    const auto next = manager_->tick(now);
    count();
    return next;
  }

 private:
  static void post(LoopPort& port, Shard* shard, Task task) {
    port.post([shard, task = std::move(task)] {
      shard->guarded(task);
      shard->count();
    });
  }

  template <class F>
  void guarded(F&& f) noexcept {
    try {
      f();
    } catch (...) {
      if (on_error_) on_error_(std::current_exception());
    }
  }

  void count() noexcept {
    connections_.store(manager_->connections(), std::memory_order_relaxed);
    subscriptions_.store(manager_->subscriptions(), std::memory_order_relaxed);
  }

 public:
  // Destroyed in reverse order: the manager, its transport, the loop.
  ::asio::io_context io{1};
  Transport transport;

 private:
  std::function<void(std::exception_ptr)> on_error_;
  std::shared_ptr<LoopPort> port_;
  ::asio::executor_work_guard<::asio::io_context::executor_type> work_;
  std::atomic<bool> draining_{false};
  std::atomic<std::size_t> connections_{0};
  std::atomic<std::size_t> subscriptions_{0};
  std::optional<Manager> manager_;
};

}  // namespace ordercast::net::detail
