// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/clock.hpp>
#include <ordercast/connection_budget.hpp>
#include <ordercast/connection_manager.hpp>
#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/acceptor.hpp>
#include <ordercast/net/deflate_terms.hpp>
#include <ordercast/net/detail/shard.hpp>
#include <ordercast/net/frame.hpp>
#include <ordercast/net/handler_memory.hpp>
#include <ordercast/net/handshake_gate.hpp>
#include <ordercast/net/options.hpp>
#include <ordercast/net/paced_tasks.hpp>
#include <ordercast/net/request_writer.hpp>
#include <ordercast/net/socket.hpp>
#include <ordercast/sharded.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

/// A complete server on any transport of this family: I/O threads with a connection manager each,
/// and one port for WebSockets and plain HTTP.
///
/// Threads: construct, set up, `listen` and `run` from one thread; everything marked "any thread"
/// may be called from any other while `run` goes on, and from the handlers. Handlers and services
/// run on the I/O threads: they must not block, and with more than one thread an `HttpHandler` or
/// `HandshakeFilter` runs on several at once.
///
///     using MyServer = ordercast::websocketpp::Server<MyServices>;
///     MyServer server({}, [&](const auto& post) { return MyServices{post}; });
///     server.listen();
///     server.run();
namespace ordercast::net {

template <class Transport, class ServicesT = DefaultServices>
class Server {
 public:
  using Manager = ConnectionManager<Transport, ServicesT>;

  /// Runs a task on one shard's I/O thread, from any thread, in the order of one caller. Drops a
  /// task that is posted after the server has ended. Tasks run a few at a time, so that changes to
  /// deliver never wait for the answers of a crowd.
  using Post = std::function<void(std::function<void()>)>;

  /// Makes the services of one shard. Called once for each shard, in the constructor.
  using ServicesFactory = std::function<ServicesT(const Post& post)>;

  Server(ServerOptions options, const ServicesFactory& make_services);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() = default;

  /// Sets the handler of plain HTTP; without one every request gets 404. Call before `listen`.
  void set_http_handler(const HttpHandler& handler) {
    for (auto& shard : shards_) shard->transport.set_http_handler(handler);
  }

  /// Sets the filter of handshakes; without one the path /ws is accepted, others get 404. Call
  /// before `listen`.
  void set_handshake_filter(const HandshakeFilter& filter) {
    for (auto& shard : shards_) shard->transport.set_handshake_filter(filter);
  }

  /// Binds, starts to queue connections and returns the port. Throws std::system_error, for example
  /// if the address is in use.
  std::uint16_t listen() {
    return outlives() ? acceptor_->listen_on(options_.listening_socket)
                      : acceptor_->listen(options_.host, options_.port);
  }

  /// Serves a connection that another server has accepted: its socket is ours from here on, and is
  /// closed if this throws. `bytes_read` is what was read from it and not answered: nothing, a part
  /// of a request, or a request and what came behind it. `AcceptLimits` count it; where they have
  /// no room for it, it gets 503 and the answer is false. With `TransportOptions::tls` nothing may
  /// have been read. Throws std::system_error if `fd` is not a stream socket, and
  /// std::invalid_argument. Any thread.
  bool adopt(int fd, std::string bytes_read = {});

  /// The same for a request that was parsed elsewhere; `bytes_behind` came behind it. The request
  /// is checked and answered here, with 101 if it is a handshake.
  bool adopt(int fd, const HttpRequest& request, const std::string& bytes_behind = {}) {
    auto socket = take_over(fd);
    return adopt(std::move(socket), write_request(request) + bytes_behind);
  }

  /// The same for a WebSocket whose handshake was answered elsewhere: with 101 and the subprotocol
  /// that `select_subprotocol(handshake)` returns, or none if that is empty. The handshake brings
  /// the token. The filter is not asked. Where `AcceptLimits` have no room for it, it is closed
  /// with 4008. `deflate`: what you have answered in Sec-WebSocket-Extensions, made by
  /// `negotiate_deflate` and `to_answer`; by default nothing, and nothing is compressed.
  bool adopt_websocket(int fd, const HttpRequest& handshake, std::string bytes_behind = {},
                       const DeflateTerms& deflate = {});

  /// Serves until `stop` or the end of a `drain`: runs shard 0 on this thread, the others and the
  /// acceptor on their own threads. Call once. Exceptions of the application go to
  /// `TransportOptions::on_error`.
  void run();

  /// Names the store and this node; see `ConnectionManager::set_epoch`. Call before `listen`.
  void set_epoch(const std::string& epoch, const std::string& node) {
    sharded_.for_each([epoch, node](Manager& manager) { manager.set_epoch(epoch, node); });
  }

  /// Sends a committed change to everyone who may see it. Encodes and frames it once, on this
  /// thread, and posts one task to each shard that has somebody for it. Calls `done(outcome)`
  /// exactly once; see `Sharded::publish`. Publish the changes of one order in order. Any thread.
  void publish(const OrderEvent& event, std::function<void(PublishOutcome)> done = {}) {
    sharded_.publish(event, std::move(done));
  }
  /// The same with some of the messages only: `ChangeMessages::updates` sends no hints.
  void publish(const OrderEvent& event, ChangeMessages messages,
               std::function<void(PublishOutcome)> done = {}) {
    sharded_.publish(event, messages, std::move(done));
  }

  /// Sends an application's message on every shard; see `Sharded::send_to_user`. Any thread.
  void send_to_user(std::string_view user_id, const ApplicationMessage& message,
                    std::function<void(PublishOutcome)> done = {}) {
    sharded_.send_to_user(user_id, message, std::move(done));
  }
  void send_to_watchers(std::string_view order_id, const ApplicationMessage& message,
                        std::function<void(PublishOutcome)> done = {}) {
    sharded_.send_to_watchers(order_id, message, std::move(done));
  }
  void send_to_organization(std::string_view organization_id, const ApplicationMessage& message,
                            std::function<void(PublishOutcome)> done = {}) {
    sharded_.send_to_organization(organization_id, message, std::move(done));
  }

  /// Closes every connection of a user. Calls `done(count)` exactly once, even if the server ends
  /// first. Any thread.
  void disconnect_user(std::string user_id, CloseCode code, std::string reason,
                       std::function<void(std::size_t)> done = {}) {
    sharded_.disconnect_user(std::move(user_id), code, std::move(reason), std::move(done));
  }

  /// Closes the connections of one sign-in of a user; see `Identity::session_id`. Any thread.
  void disconnect_session(std::string user_id, std::string session_id, CloseCode code,
                          std::string reason, std::function<void(std::size_t)> done = {}) {
    sharded_.disconnect_session(std::move(user_id), std::move(session_id), code, std::move(reason),
                                std::move(done));
  }

  /// Finds out when a visible connection of a user last answered a ping; see `Sharded::last_heard`.
  /// Any thread.
  void last_heard(const std::string& user_id, bool ping,
                  std::function<void(std::optional<TimePoint>)> done) {
    sharded_.last_heard(user_id, ping, std::move(done));
  }

  /// Runs `f(manager)` on the thread of one of the `shards()`; see `Sharded::visit`. Any thread.
  template <class F>
  void visit(std::size_t shard, F f) {
    sharded_.visit(shard, std::move(f));
  }
  [[nodiscard]] std::size_t shards() const noexcept { return sharded_.size(); }

  /// Drains: handshakes get 503 with Retry-After, open WebSockets get what waits for them and
  /// close 1012, plain HTTP is answered on. `run` returns when all WebSockets and HTTP requests in
  /// flight are gone, at the latest after `window`. The first call counts. Any thread.
  void drain(std::chrono::milliseconds window);

  /// Ends everything at once. Any thread; does not wait.
  void stop();

  /// How many open connections have authenticated, and how many subscriptions they have. May lag a
  /// moment. Any thread.
  [[nodiscard]] std::size_t connections() const noexcept {
    return total([](const auto& shard) { return shard.connections(); });
  }
  [[nodiscard]] std::size_t subscriptions() const noexcept {
    return total([](const auto& shard) { return shard.subscriptions(); });
  }

 private:
  using Shard = detail::Shard<Transport, ServicesT>;

  /// A socket and the shard that will serve it.
  struct Adopted {
    Shard* shard;
    Socket socket;
  };
  [[nodiscard]] Adopted take_over(int fd);
  bool adopt(Adopted adopted, std::string bytes_read);

  template <class F>
  [[nodiscard]] std::size_t total(F count) const noexcept {
    std::size_t sum = 0;
    for (const auto& shard : shards_) sum += count(*shard);
    return sum;
  }

  /// Whether the listening socket outlives this server.
  [[nodiscard]] bool outlives() const noexcept { return options_.listening_socket >= 0; }

  void begin_drain(std::chrono::milliseconds window);
  /// Checks on shard 0 whether all connections have closed.
  void watch_drain(TimePoint deadline);

  ServerOptions options_;
  ConnectionBudget budget_;
  std::vector<std::unique_ptr<Shard>> shards_;
  // Accepting has its own thread. Asio keeps a record for every descriptor that was ever open;
  // allocated next to connections, the records would pin memory pages after a crowd has left.
  ::asio::io_context accept_io_{1};
  std::unique_ptr<Acceptor> acceptor_;
  Sharded<Manager> sharded_;
  std::unique_ptr<::asio::steady_timer> drain_timer_;
  std::atomic<bool> draining_{false};
  int idle_looks_ = 0;  // Shard 0's.
  std::atomic<std::size_t> adopted_{0};
  std::shared_ptr<HandlerMemory> drain_memory_ = std::make_shared<HandlerMemory>();
};

template <class Transport, class ServicesT>
Server<Transport, ServicesT>::Server(ServerOptions options, const ServicesFactory& make_services)
    : options_(std::move(options)) {
  std::vector<Acceptor::Target> targets;
  options_.transport.max_unsent_total_bytes /= (std::max)(options_.threads, 1U);
  for (unsigned i = 0; i < (std::max)(options_.threads, 1U); ++i) {
    auto& shard = *shards_.emplace_back(std::make_unique<Shard>(options_.transport));
    const auto answers = std::make_shared<PacedTasks>(shard.poster());
    shard.start(
        make_services([answers](std::function<void()> task) { answers->post(std::move(task)); }),
        options_.limits, budget_);
    sharded_.add(shard.manager(), shard.poster());
    targets.push_back({&shard.io, [&shard](Socket socket, SocketTicket ticket) {
                         shard.adopt(std::move(socket), std::move(ticket));
                       }});
  }
  acceptor_ = std::make_unique<Acceptor>(accept_io_, std::move(targets), options_.accept,
                                         options_.transport.tls == nullptr,
                                         options_.transport.error_format);
  drain_timer_ = std::make_unique<::asio::steady_timer>(shards_.front()->io);
}

template <class Transport, class ServicesT>
auto Server<Transport, ServicesT>::take_over(int fd) -> Adopted {
  auto& shard = *shards_[adopted_.fetch_add(1, std::memory_order_relaxed) % shards_.size()];
  Socket socket(shard.io);
  std::error_code error;
  // The address family is only for Asio's records: nothing here binds or connects.
  socket.assign(::asio::ip::tcp::v4(), fd, error);
  if (error) {
    ::close(fd);
    throw std::system_error(error.value(), std::system_category(), "adopt a socket");
  }
  Acceptor::limit_kernel_unsent(fd, options_.accept.max_kernel_unsent_bytes);
  return {&shard, std::move(socket)};
}

template <class Transport, class ServicesT>
bool Server<Transport, ServicesT>::adopt(int fd, std::string bytes_read) {
  return adopt(take_over(fd), std::move(bytes_read));
}

template <class Transport, class ServicesT>
bool Server<Transport, ServicesT>::adopt(Adopted adopted, std::string bytes_read) {
  if (!bytes_read.empty() && options_.transport.tls != nullptr) {
    throw std::invalid_argument("This server encrypts: adopt sockets before their TLS handshake");
  }
  auto ticket = acceptor_->admit(adopted.socket);
  if (!ticket) {
    acceptor_->turn_away(std::move(adopted.socket));
    return false;
  }
  adopted.shard->adopt_begun(std::move(adopted.socket), std::move(*ticket), std::move(bytes_read));
  return true;
}

template <class Transport, class ServicesT>
bool Server<Transport, ServicesT>::adopt_websocket(int fd, const HttpRequest& handshake,
                                                   std::string bytes_behind,
                                                   const DeflateTerms& deflate) {
  auto adopted = take_over(fd);
  if (options_.transport.tls != nullptr) {
    throw std::invalid_argument("This server encrypts: adopt sockets before their TLS handshake");
  }
  auto ticket = acceptor_->admit(adopted.socket);
  if (!ticket) {
    const auto close = make_close_frame(CloseCode::too_many_connections, "Too many connections");
    Acceptor::end_with(std::move(adopted.socket), close.bytes());
    return false;
  }
  ticket->settle();
  auto opening = opening_of(handshake);
  opening.deflate = deflate;
  adopted.shard->adopt_websocket(std::move(adopted.socket), std::move(*ticket), std::move(opening),
                                 std::move(bytes_behind));
  return true;
}

template <class Transport, class ServicesT>
void Server<Transport, ServicesT>::run() {
  std::vector<std::thread> threads;
  threads.emplace_back([this] { detail::run_loop(accept_io_, options_.transport.on_error); });
  for (std::size_t i = 1; i < shards_.size(); ++i) {
    threads.emplace_back([&shard = *shards_[i]] { shard.run(); });
  }
  shards_.front()->run();
  for (auto& thread : threads) thread.join();
}

template <class Transport, class ServicesT>
void Server<Transport, ServicesT>::drain(std::chrono::milliseconds window) {
  if (draining_.exchange(true)) return;
  try {
    if (!outlives()) return begin_drain(window);
    ::asio::post(accept_io_, [this, window] {
      acceptor_->close();
      try {
        begin_drain(window);
      } catch (...) {
        draining_ = false;
        throw;
      }
    });
  } catch (...) {  // Out of memory: a second call completes this one.
    draining_ = false;
    throw;
  }
}

template <class Transport, class ServicesT>
void Server<Transport, ServicesT>::begin_drain(std::chrono::milliseconds window) {
  for (auto& shard : shards_) {
    shard->post([window, &shard = *shard] { shard.begin_drain(window); });
  }
  shards_.front()->post(
      [this, window] { watch_drain(later_by(std::chrono::steady_clock::now(), window)); });
}

template <class Transport, class ServicesT>
void Server<Transport, ServicesT>::watch_drain(TimePoint deadline) {
  auto busy = total([](const auto& shard) {
    return shard.transport.websockets() + shard.transport.http_requests();
  });
  // Whoever was accepted would not be served by the socket's next server.
  if (outlives()) busy += acceptor_->handshakes();
  idle_looks_ = busy == 0 ? idle_looks_ + 1 : 0;
  // A request that is just being read may stand in neither count.
  const int enough = outlives() ? 2 : 1;
  const auto now = std::chrono::steady_clock::now();
  const bool all_drain = std::all_of(shards_.begin(), shards_.end(),
                                     [](const auto& shard) { return shard->is_draining(); });
  if ((all_drain && idle_looks_ >= enough) || now >= deadline) return stop();
  drain_timer_->expires_at((std::min)(deadline, now + std::chrono::milliseconds(20)));
  drain_timer_->async_wait(
      keep_memory(drain_memory_, [this, deadline](const std::error_code& cancelled) {
        if (!cancelled) watch_drain(deadline);
      }));
}

template <class Transport, class ServicesT>
void Server<Transport, ServicesT>::stop() {
  ::asio::post(accept_io_, [this] { acceptor_->close(); });
  shards_.front()->post([this] { drain_timer_->cancel(); });
  for (auto& shard : shards_) {
    shard->post([&shard = *shard] { shard.stop(); });
  }
}

}  // namespace ordercast::net
