// SPDX-License-Identifier: MIT
#include "recording_server.hpp"

#include <ordercast/net/acceptor.hpp>
#include <ordercast/websocketpp/server.hpp>
#include <ordercast/websocketpp/transport.hpp>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

namespace ordercast::test {
namespace {

/// Writes events down for another thread to read.
class RecordingSink {
 public:
  explicit RecordingSink(std::function<void(const Event&)> hook) : hook_(std::move(hook)) {}

  void on_open(Handle handle, std::string_view token) {
    record({Event::Kind::open, handle, std::string(token)});
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
  std::size_t unread() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return events_.size();
  }

 private:
  void record(Event event) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      events_.push_back(event);
    }
    arrived_.notify_one();
    if (hook_) hook_(event);
  }

  std::function<void(const Event&)> hook_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Event> events_;
};

/// Refuses "bad"; takes every other token for a user id.
struct TokenIsUser {
  [[nodiscard]] AuthResult authenticate(std::string_view token) const {
    if (token.empty() || token == "bad") return AuthFailure{};
    const bool admin = token.substr(0, 5) == "admin";
    return Identity{std::string(token), admin ? Role::super_admin : Role::customer, {}};
  }
};

struct AllowAll {
  template <class Done>
  void authorize(const IdentityView&, std::string_view, Done done) const {
    done(true);
  }
};

using TestServices = Services<TokenIsUser, AllowAll>;

}  // namespace

struct RecordingServer::State {
  explicit State(Setup setup)
      : sink(std::move(setup.hook)),
        transport(io, counting(std::move(setup.options))),
        acceptor(
            io,
            {{&io, [this](auto socket,
                          auto ticket) { transport.adopt(std::move(socket), std::move(ticket)); }}},
            setup.max_connections) {
    transport.bind(sink);
    if (setup.http) transport.set_http_handler(std::move(setup.http));
    if (setup.filter) transport.set_handshake_filter(std::move(setup.filter));
    port = acceptor.listen("127.0.0.1", 0);
    thread = std::thread([this] { io.run(); });
  }

  net::TransportOptions counting(net::TransportOptions options) {
    options.on_error = [this](const std::exception_ptr&) { ++errors; };
    return options;
  }

  std::atomic<std::size_t> errors{0};
  asio::io_context io{1};
  RecordingSink sink;
  wspp::Transport transport;
  net::Acceptor acceptor;
  std::uint16_t port = 0;
  std::thread thread;
};

RecordingServer::RecordingServer() : RecordingServer(Setup{}) {}
RecordingServer::RecordingServer(Setup setup) : state_(std::make_unique<State>(std::move(setup))) {}
RecordingServer::~RecordingServer() {
  stop();
}

std::uint16_t RecordingServer::port() const noexcept {
  return state_->port;
}

std::optional<Event> RecordingServer::next(std::chrono::milliseconds timeout) {
  return state_->sink.next(timeout);
}

Handle RecordingServer::opened() {
  const auto event = next();
  return event && event->kind == Event::Kind::open ? event->handle : 0;
}

bool RecordingServer::expect(Event::Kind kind, Handle handle) {
  const auto event = next();
  return event && event->kind == kind && event->handle == handle;
}

std::size_t RecordingServer::unread() const {
  return state_->sink.unread();
}

void RecordingServer::on_io_thread(const std::function<void()>& f) {
  std::promise<void> done;
  asio::post(state_->io, [&] {
    f();
    done.set_value();
  });
  done.get_future().wait();
}

SendResult RecordingServer::send(Handle handle, std::string text) {
  return send_to_all({handle}, std::move(text)).front();
}

std::vector<SendResult> RecordingServer::send_to_all(const std::vector<Handle>& handles,
                                                     std::string text) {
  const auto frame = wspp::Transport::prepare(std::move(text));
  std::vector<SendResult> results;
  on_io_thread([&] {
    for (const auto handle : handles) results.push_back(state_->transport.send(handle, frame));
  });
  return results;
}

std::size_t RecordingServer::send_until_backpressure(Handle handle, const std::string& text) {
  const auto frame = wspp::Transport::prepare(text);
  std::size_t accepted = 0;
  for (bool more = true; more;) {
    on_io_thread([&] { more = state_->transport.send(handle, frame) == SendResult::accepted; });
    if (more) ++accepted;
  }
  return accepted;
}

std::size_t RecordingServer::buffered_bytes(Handle handle) {
  std::size_t bytes = 0;
  on_io_thread([&] { bytes = state_->transport.buffered_bytes(handle); });
  return bytes;
}

void RecordingServer::ping(Handle handle) {
  on_io_thread([&] { state_->transport.ping(handle); });
}

void RecordingServer::close(Handle handle, CloseCode code, std::string reason) {
  on_io_thread([&] { state_->transport.close(handle, code, reason); });
}

void RecordingServer::terminate(Handle handle) {
  on_io_thread([&] { state_->transport.terminate(handle); });
}

void RecordingServer::begin_drain() {
  on_io_thread([&] { state_->transport.begin_drain(); });
}

std::size_t RecordingServer::websockets() const {
  return state_->transport.websockets();
}
std::size_t RecordingServer::http_requests() const {
  return state_->transport.http_requests();
}
std::size_t RecordingServer::open_sockets() const {
  return state_->acceptor.open();
}
std::size_t RecordingServer::errors() const {
  return state_->errors;
}

void RecordingServer::stop() {
  if (!state_->thread.joinable()) return;
  asio::post(state_->io, [this] {
    state_->acceptor.close();
    state_->transport.stop();
  });
  state_->thread.join();
}

struct WholeServer::State {
  State(net::ServerOptions options, HttpHandler http)
      : server(std::move(options), [](const auto&) { return TestServices{}; }) {
    if (http) server.set_http_handler(std::move(http));
    port = server.listen();
    thread = std::thread([this] { server.run(); });
  }

  wspp::Server<TestServices> server;
  std::uint16_t port = 0;
  std::thread thread;
};

WholeServer::WholeServer(net::ServerOptions options, HttpHandler http)
    : state_(std::make_unique<State>(std::move(options), std::move(http))) {}

WholeServer::~WholeServer() {
  stop();
  join();
}

std::uint16_t WholeServer::port() const noexcept {
  return state_->port;
}

std::size_t WholeServer::publish(const OrderEvent& event) {
  std::promise<std::size_t> reached;
  state_->server.publish(event, [&](std::size_t count) { reached.set_value(count); });
  return reached.get_future().get();
}

void WholeServer::disconnect_user(std::string user_id, CloseCode code, std::string reason) {
  state_->server.disconnect_user(std::move(user_id), code, std::move(reason));
}
void WholeServer::drain(std::chrono::milliseconds window) {
  state_->server.drain(window);
}
void WholeServer::stop() {
  state_->server.stop();
}
std::size_t WholeServer::connections() const {
  return state_->server.connections();
}
std::size_t WholeServer::subscriptions() const {
  return state_->server.subscriptions();
}

void WholeServer::join() {
  if (state_->thread.joinable()) state_->thread.join();
}

void listen_once(const std::string& host, std::uint16_t port) {
  net::ServerOptions options;
  options.host = host;
  options.port = port;
  wspp::Server<> server(options, [](const auto&) { return DefaultServices{}; });
  server.listen();
}

}  // namespace ordercast::test
