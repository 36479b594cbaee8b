// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/detail/hash.hpp>
#include <ordercast/net/client_address.hpp>
#include <ordercast/net/descriptor_limit.hpp>
#include <ordercast/net/handler_memory.hpp>
#include <ordercast/net/options.hpp>
#include <ordercast/net/response_writer.hpp>
#include <ordercast/net/socket.hpp>

#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// A listening socket that distributes its connections to several event loops in turn.
///
/// Above its limits the connection that has been silent for longest goes; if there is none, the
/// newcomer gets 503. It never spins: it closes what it turns away, and when the process runs out
/// of descriptors all the same it spends a reserved one to turn the newcomer away. An accept error
/// that leaves the newcomer in the queue would otherwise be reported again and again without a
/// pause. When memory runs out the newcomer that needed it is closed.
///
/// Threads: one acceptor is used by the thread of its own `io_context`, but for what says any;
/// `deal` is called there.
namespace ordercast::net {

class Acceptor {
 public:
  /// Receives a socket that belongs to the loop it was accepted for.
  using Deal = std::function<void(Socket, SocketTicket)>;

  struct Target {
    ::asio::io_context* io;
    Deal deal;
  };

  static constexpr int backlog = 4096;

  /// `speaks_http`: a refused client understands an HTTP answer in plain text.
  Acceptor(::asio::io_context& io, std::vector<Target> targets, AcceptLimits limits,
           bool speaks_http = true, ErrorFormat error_format = plain_error)
      : io_(io),
        acceptor_(io),
        pause_(io),
        targets_(std::move(targets)),
        limits_(std::move(limits)),
        descriptor_limit_(connections_within_descriptor_limit()),
        limit_(descriptor_limit_),
        speaks_http_(speaks_http),
        error_format_(error_format) {
    if (limits_.max_connections != 0) limit_ = (std::min)(limit_, limits_.max_connections);
  }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor() { release_reserve(); }

  /// Binds, starts to accept and returns the port. Throws std::system_error, for example if the
  /// address is in use.
  std::uint16_t listen(const std::string& host, std::uint16_t port) try {
    using ::asio::ip::tcp;
    const auto found =
        tcp::resolver(io_).resolve(host, std::to_string(port), tcp::resolver::passive);
    const tcp::endpoint endpoint = *found.begin();
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen(backlog);
    return begin();
  } catch (const std::system_error& error) {
    const auto where = "listen on " + host + ":" + std::to_string(port);
    // Asio's own category doesn't compare with std::errc.
    if (error.code().category() != ::asio::error::get_system_category()) {
      throw std::system_error(error.code(), where);
    }
    throw std::system_error(error.code().value(), std::system_category(), where);
  }

  /// Takes a socket that listens already, starts to accept and returns its port. Throws
  /// std::system_error.
  std::uint16_t listen_on(int descriptor) {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
      throw std::system_error(errno, std::system_category(), "listen on an inherited socket");
    }
    using ::asio::ip::tcp;
    acceptor_.assign(bound.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), descriptor);
    return begin();
  }

  /// Stops listening. Accepted connections stay open.
  void close() {
    std::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    release_reserve();
  }

  /// Counts a connection that was accepted elsewhere, as its ticket. Returns nullopt if the limits
  /// have no room for it. Any thread.
  [[nodiscard]] std::optional<SocketTicket> admit(Socket& socket) const {
    const auto address = key_of(socket);
    if (!make_room(address)) return std::nullopt;
    return SocketTicket(ledger_, socket.native_handle(), address);
  }

  /// Closes a connection; one that has not begun gets 503. Any thread.
  void turn_away(Socket socket) const {
    if (!speaks_http_) return;
    const auto text = write_response(unavailable_response(std::chrono::seconds(1), error_format_),
                                     false, std::time(nullptr));
    end_with(std::move(socket), text);
  }
  /// Closes a connection behind these bytes, if its socket takes them at once. Any thread.
  static void end_with(Socket socket, std::string_view bytes) {
    std::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(::asio::buffer(bytes.data(), bytes.size()), ignored);
    socket.shutdown(Socket::shutdown_send, ignored);
  }

  /// Connections whose first request has not been read. Any thread.
  [[nodiscard]] std::size_t handshakes() const noexcept { return ledger_->handshakes(); }

  /// Applies `AcceptLimits::max_kernel_unsent_bytes` to a socket. Where the kernel can't count
  /// unsent bytes, the send buffer is as small. Best effort.
  static void limit_kernel_unsent(int fd, std::size_t most) noexcept {
    if (most == 0) return;
    const auto bytes = static_cast<int>((std::min)(most, std::size_t{INT_MAX}));
#ifdef TCP_NOTSENT_LOWAT
    if (::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes) == 0) return;
#endif
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  }

  /// Connections that are open now. Any thread.
  [[nodiscard]] std::size_t open() const noexcept {
    return ledger_->open();
  }

 private:
  std::uint16_t begin() {
    // Accepted sockets inherit it.
    limit_kernel_unsent(acceptor_.native_handle(), limits_.max_kernel_unsent_bytes);
    acceptor_.non_blocking(true);
    take_reserve();
    wait();
    return acceptor_.local_endpoint().port();
  }

  /// How many new connections to accept before other work of the same loop gets its turn.
  static constexpr int batch = 64;

  void wait() {
    acceptor_.async_wait(::asio::ip::tcp::acceptor::wait_read,
                         keep_memory(waiting_, [this](const std::error_code& cancelled) {
                           if (!cancelled && acceptor_.is_open()) accept_some();
                         }));
  }

  void accept_some() {
    for (int taken = 0; taken < batch && acceptor_.is_open(); ++taken) {
      std::error_code error;
      try {
        auto socket = acceptor_.accept(*targets_[next_].io, error);
        if (!error) deal(std::move(socket));
      } catch (...) {  // Out of memory: close the new connection; the client retries.
      }
      if (error == ::asio::error::would_block || error == ::asio::error::try_again) break;
      if (error && !turn_one_away(error)) return accept_later();
    }
    if (acceptor_.is_open()) wait();
  }

  void deal(Socket socket) {
    auto ticket = admit(socket);
    if (!ticket) return turn_away(std::move(socket));
    const auto& target = targets_[next_];
    next_ = (next_ + 1) % targets_.size();
    target.deal(std::move(socket), std::move(*ticket));
  }

  /// Whether a newcomer may stay. Whoever is silent makes room for it: to refuse the newest instead
  /// would hand the server to those who connect and say nothing.
  [[nodiscard]] bool make_room(std::uint64_t address) const {
    using Evict = ConnectionLedger::Evict;
    if (address != 0) {
      const auto of_address = ledger_->of(address);
      if (limits_.max_per_address != 0 && of_address.open >= limits_.max_per_address) return false;
      // An address that has reached its share evicts its own connections, not those of others.
      if (limits_.max_handshakes != 0 && of_address.handshakes >= handshakes_per_address() &&
          !ledger_->evict(Evict::handshakes, address)) {
        return false;
      }
    }
    if (limits_.max_handshakes != 0 && ledger_->handshakes() >= limits_.max_handshakes &&
        !ledger_->evict(Evict::handshakes)) {
      return false;
    }
    if (open() < limit_) return true;
    // The evicted connection's descriptor is freed a moment later, so the new client may have to
    // retry.
    return ledger_->evict(Evict::silent) && open() < descriptor_limit_;
  }

  [[nodiscard]] std::size_t handshakes_per_address() const noexcept {
    return std::max<std::size_t>(limits_.max_handshakes / 16, 8);
  }

  /// Returns the key of a client's connections; 0 for a client that is not counted.
  [[nodiscard]] std::uint64_t key_of(Socket& socket) const {
    const auto client = ClientAddress::of_peer(socket.native_handle());
    if (!client || (limits_.exempt && limits_.exempt(client->address()))) return 0;
    return std::max<std::uint64_t>(ordercast::detail::hash_bytes(client->limit_key(), seed_), 1);
  }

  /// With no descriptor left: closes the newcomer by means of the reserved one. False when that
  /// didn't help. (A client that left before it was accepted never gets here: Asio skips it.)
  bool turn_one_away(const std::error_code& error) {
    if (error.value() != EMFILE && error.value() != ENFILE) return false;
    if (reserve_ < 0) return false;
    release_reserve();
    const int newcomer = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
    if (newcomer >= 0) ::close(newcomer);
    take_reserve();
    return newcomer >= 0 && reserve_ >= 0;
  }

  void accept_later() {
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait(keep_memory(pausing_, [this](const std::error_code& cancelled) {
      if (cancelled || !acceptor_.is_open()) return;
      if (reserve_ < 0) take_reserve();
      wait();
    }));
  }

  void take_reserve() noexcept {
    reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  void release_reserve() noexcept {
    if (reserve_ >= 0) ::close(std::exchange(reserve_, -1));
  }

  ::asio::io_context& io_;
  ::asio::ip::tcp::acceptor acceptor_;
  ::asio::steady_timer pause_;
  std::vector<Target> targets_;
  AcceptLimits limits_;
  std::size_t descriptor_limit_;
  std::size_t limit_;
  bool speaks_http_;
  ErrorFormat error_format_;
  std::uint64_t seed_ = ordercast::detail::hash_seed();
  std::size_t next_ = 0;
  int reserve_ = -1;
  std::shared_ptr<HandlerMemory> waiting_ = std::make_shared<HandlerMemory>();
  std::shared_ptr<HandlerMemory> pausing_ = std::make_shared<HandlerMemory>();
  std::shared_ptr<ConnectionLedger> ledger_ =
      std::make_shared<ConnectionLedger>(limits_.max_request_bytes);
};

}  // namespace ordercast::net
