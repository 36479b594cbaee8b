// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/broadcast.hpp>
#include <ordercast/error.hpp>
#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/deflate_terms.hpp>
#include <ordercast/net/options.hpp>
#include <ordercast/types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

/// Servers for the transports' tests. Behind plain interfaces, so that one translation unit alone
/// compiles each transport, and the tests don't know which one they run on.
namespace ordercast::test {

using Handle = std::uint64_t;

/// What ORDERCAST_TRANSPORT names: "websocketpp" (also without one), "asio", "threads", on which
/// the tests of CMakeLists.txt's list can run, or "fake", on which contract_test.cpp alone can.
[[nodiscard]] std::string transport_under_test();

struct Event {
  enum class Kind { open, message, pong, writable, close };
  Kind kind;
  Handle handle = 0;
  std::string text;    ///< The token of `open`, the text of `message`.
  bool hello = false;  ///< Of `open`: the client has selected `ordercast.v2`.
};

/// One transport and its acceptor on a thread of their own, with a sink that records its calls.
/// All members may be called from the test's thread; the calls of the transport run on its
/// own thread and their results are waited for.
class RecordingServer {
 public:
  struct Setup {
    net::TransportOptions options = {};
    HttpHandler http = {};
    HandshakeFilter filter = {};
    std::function<void(const Event&)> hook = {};    ///< Runs inside the sink, on the I/O thread.
    std::function<void(Handle)> control_hook = {};  ///< The same, for each ping and pong.
    net::AcceptLimits accept = {};
  };

  RecordingServer();
  explicit RecordingServer(Setup setup);
  RecordingServer(const RecordingServer&) = delete;
  RecordingServer& operator=(const RecordingServer&) = delete;
  ~RecordingServer();

  [[nodiscard]] std::uint16_t port() const noexcept;

  /// The next call of the sink; nullopt when the time is up.
  std::optional<Event> next(std::chrono::milliseconds timeout = std::chrono::seconds(10));
  /// The handle of the connection that opens next.
  Handle opened();
  /// Whether the next call of the sink is this one.
  bool expect(Event::Kind kind, Handle handle);
  /// Calls of the sink that no test has asked for yet.
  std::size_t unread() const;

  SendResult send(Handle handle, std::string text);
  /// Sends one and the same frame to all of them.
  std::vector<SendResult> send_to_all(const std::vector<Handle>& handles, std::string text);
  /// Sends `text` until the transport does not accept it; how often it was accepted.
  std::size_t send_until_backpressure(Handle handle, const std::string& text);
  std::size_t buffered_bytes(Handle handle);
  std::size_t unacknowledged_bytes(Handle handle);
  void ping(Handle handle);
  void close(Handle handle, CloseCode code, std::string reason);
  void terminate(Handle handle);
  void begin_drain();

  std::size_t websockets() const;
  std::size_t http_requests() const;
  /// Sockets that the acceptor counts as open.
  std::size_t open_sockets() const;
  /// Exceptions that reached `TransportOptions::on_error`.
  std::size_t errors() const;

  /// Runs on the I/O thread and waits for its end; at once when called there, as by a hook.
  void on_io_thread(const std::function<void()>& f);
  /// Runs on the I/O thread, in its turn.
  void post(std::function<void()> task);
  /// Hands a connected descriptor to the transport. On the I/O thread.
  void adopt(int fd);
  /// Ends all connections, as `stop` does, and waits for nothing.
  void end_all();
  /// Pings and pongs that were reported to the sink.
  std::size_t controls() const;
  /// Ends all connections, waits for the loop to run out of work, and joins its thread.
  void stop();

 private:
  std::unique_ptr<class RecordingBackend> backend_;
  std::thread::id io_thread_;
};

/// A whole Server on a thread of its own. A token is a user id: "alice" is a customer, and one that
/// starts with "admin" a SUPER_ADMIN; every user may watch every order; "bad" is refused. An order
/// whose id starts with "big" exists in version 7 and has 18 kB, see `big_order`. The store's epoch
/// is "epoch-1", the node "node-1".
class WholeServer {
 public:
  explicit WholeServer(net::ServerOptions options = {}, HttpHandler http = {});
  WholeServer(const WholeServer&) = delete;
  WholeServer& operator=(const WholeServer&) = delete;
  ~WholeServer();

  [[nodiscard]] std::uint16_t port() const noexcept;
  /// Pings a user's connections now and waits until that is done.
  void ping_user(const std::string& user_id);
  /// Publishes and waits for `done`.
  std::size_t publish(const OrderEvent& event, ChangeMessages messages = ChangeMessages::all);
  /// Publishes; `done` runs where the server runs it.
  void publish(const OrderEvent& event, std::function<void()> done);
  void disconnect_user(std::string user_id, CloseCode code, std::string reason);
  /// As `net::Server` has them.
  bool adopt(int fd, std::string bytes_read);
  bool adopt(int fd, const HttpRequest& request, const std::string& bytes_behind);
  bool adopt_websocket(int fd, const HttpRequest& handshake, std::string bytes_behind,
                       const net::DeflateTerms& deflate = {});
  void drain(std::chrono::milliseconds window);
  void stop();
  [[nodiscard]] std::size_t connections() const;
  [[nodiscard]] std::size_t subscriptions() const;
  /// Waits until `run` has returned.
  void join();

 private:
  std::unique_ptr<class WholeBackend> backend_;
};

/// A transport, its acceptor and a real connection manager on one thread, whose allocations can be
/// made to fail. Tokens and orders as of `WholeServer`.
class ScarceServer {
 public:
  struct Counts {
    std::size_t websockets = 0;
    std::size_t http_requests = 0;
    std::size_t sockets = 0;  ///< As the acceptor counts them.
    std::size_t connections = 0;
    std::size_t subscriptions = 0;
    std::size_t sessions = 0;
  };

  ScarceServer(net::TransportOptions options, HttpHandler http);
  ScarceServer(const ScarceServer&) = delete;
  ScarceServer& operator=(const ScarceServer&) = delete;
  ~ScarceServer();

  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] Counts counts();
  /// Runs on the server's thread and waits for its end.
  void on_io_thread(const std::function<void()>& f);
  /// On the server's thread.
  void publish(const OrderEvent& event);
  void disconnect_user(const std::string& user_id, CloseCode code);
  void begin_drain(std::chrono::milliseconds window);
  /// Ends all connections, waits for the loop to run out of work, and joins its thread.
  void stop();

 private:
  std::unique_ptr<class ScarceBackend> backend_;
};

[[nodiscard]] std::string big_order();

/// Throws what `listen` throws for this address.
void listen_once(const std::string& host, std::uint16_t port);

}  // namespace ordercast::test
