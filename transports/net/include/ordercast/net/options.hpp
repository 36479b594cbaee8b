// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/limits.hpp>
#include <ordercast/net/response_writer.hpp>
#include <ordercast/net/secure.hpp>

#include <asio/ip/address.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>

/// What can be set about a socket transport and the server around it.
namespace ordercast::net {

/// How bytes go to the kernel.
enum class IoMode : std::uint8_t {
  automatic,  ///< By io_uring where the system allows it and there is more than a handful to send.
  uring,      ///< The same, for a handful too; where io_uring is forbidden, as `send`.
  send,       ///< By sendmsg(2) alone.
};

/// Bounds of one transport, each with its default.
struct TransportOptions {
  /// `send` answers backpressure from here on: the bytes of one connection that the kernel has not
  /// taken yet. Cost: at most this and one frame for each connection that does not read.
  std::size_t high_water_bytes = 32 * 1024;

  /// After backpressure, `on_writable` comes when no more than this is left. Below the high-water
  /// mark, so that a slow connection is filled in batches.
  std::size_t low_water_bytes = 8 * 1024;

  /// The longest text message from a client, fragments together; above it close 1009.
  std::size_t max_message_bytes = 4 * 1024;

  /// The longest body of an HTTP request; above it 413.
  std::size_t max_body_bytes = 64 * 1024;

  /// Request line and headers together; above it 431.
  std::size_t max_head_bytes = 16 * 1024;

  /// Encrypts every connection (see tls.hpp). Null: none; then TLS ends in front of us, or nowhere.
  std::shared_ptr<SecureContext> tls;

  /// From the first byte of a connection's life to the end of its request, TLS handshake and body
  /// included.
  std::chrono::milliseconds handshake_timeout{10'000};

  /// How long an `HttpHandler` may take to answer; after that the client gets 503 and the late
  /// answer is dropped.
  std::chrono::milliseconds http_timeout{30'000};

  /// How long a client may take nothing of its HTTP answers (acknowledge nothing, RFC 9293 section
  /// 3.4); then the connection is closed. As long as bytes move, an answer may take any time.
  std::chrono::milliseconds write_timeout{10'000};

  /// The HTTP answers of one connection that wait in memory: one more that would lead above becomes
  /// a 503. A single answer may be of any size. Bodies that answers share don't count.
  std::size_t max_unsent_bytes = 16 * 1024 * 1024;

  /// The same, of all connections together; split among the I/O threads. Above it connections that
  /// have stopped to read are closed, the longest first; if there are none, answers become a 503.
  std::size_t max_unsent_total_bytes = 256 * 1024 * 1024;

  /// How long a close handshake may take, what is still queued before it included.
  std::chrono::milliseconds close_timeout{5'000};

  /// After the last byte the server reads and drops for so long, so that the client gets the answer
  /// or close frame and not a TCP reset (RFC 9112 section 9.6). Ends as soon as the client closes.
  std::chrono::milliseconds linger_timeout{1'000};

  /// How long a connection may be idle between two requests, where the transport keeps it alive.
  /// Longer than the 60 s after which common load balancers give up an idle connection: the side
  /// that ends it first should be the one that sends requests.
  std::chrono::milliseconds keep_alive_timeout{75'000};

  /// Requests of one connection that may wait for their answers at one time; the next is read when
  /// one of them has been answered.
  std::size_t max_pipelined_requests = 32;

  /// Only the asio transport knows io_uring.
  IoMode io = IoMode::automatic;

  /// What a refused handshake says in `Retry-After` while draining.
  std::chrono::seconds retry_after{1};

  /// The form of the answers that the transport gives by itself: a refused request, 404 without a
  /// handler, 500, 503. Default: plain text.
  ErrorFormat error_format = plain_error;

  /// Hears an exception that escaped from the application's code, on an I/O thread; the connection
  /// concerned gets 500 or close 1011, and the server goes on. Must not throw. Default: nobody.
  std::function<void(std::exception_ptr)> on_error;
};

/// The options with every duration between nothing and a year, so that a deadline, which is a point
/// in time and one of these later, is always one that can be represented.
[[nodiscard]] inline TransportOptions bounded(TransportOptions options) {
  constexpr std::chrono::milliseconds year = std::chrono::hours(365 * 24);
  for (auto* duration :
       {&options.handshake_timeout, &options.http_timeout, &options.write_timeout,
        &options.close_timeout, &options.linger_timeout, &options.keep_alive_timeout}) {
    *duration = std::clamp(*duration, std::chrono::milliseconds(0), year);
  }
  return options;
}

/// How many connections one acceptor lets in. Above that the one that has been silent for longest
/// goes: in its handshake or, for `max_connections`, between two requests. If nobody is silent the
/// newcomer gets 503 at once, or, with TLS, the end of the stream.
struct AcceptLimits {
  /// Connections of any kind at one time. 0: what RLIMIT_NOFILE allows less a reserve for files and
  /// databases. A limit above that is lowered to it. Cost: what the transport's README says of one.
  std::size_t max_connections = 0;

  /// Of those, the ones whose first request has not been read yet: in the TLS handshake, in the
  /// request, or silent. One address may have a sixteenth of them, and at least 8. 0: no limit of
  /// their own. Cost: about 20 KiB each while it lasts.
  std::size_t max_handshakes = 8192;

  /// Connections of one client address at one time; of IPv6 a /64 is one. 0: no limit. Many phones
  /// can share one address. Cost: about 60 bytes for each address that is there.
  std::size_t max_per_address = 0;

  /// Addresses that no limit by address counts. Default: loopback. Called on the thread that
  /// accepts.
  std::function<bool(const ::asio::ip::address&)> exempt = [](const ::asio::ip::address& address) {
    return address.is_loopback();
  };

  /// Bytes of requests that are still being read, all together; above it the one that has been at
  /// its own for longest is ended. 0: no limit.
  std::size_t max_request_bytes = 64 * 1024 * 1024;

  /// Bytes of one connection that the kernel holds and has not sent yet (TCP_NOTSENT_LOWAT); what
  /// is on its way to the peer does not count. What the kernel holds can't be conflated any more,
  /// and to copy it costs time: with Linux's defaults it takes up to 4 MiB for a peer that reads
  /// nothing. 0: as many as it likes.
  std::size_t max_kernel_unsent_bytes = 64 * 1024;
};

struct ServerOptions {
  std::string host = "127.0.0.1";  ///< An address or a name; the first that resolves is bound.
  std::uint16_t port = 0;          ///< 0 takes a free port; `listen` returns it.

  /// I/O threads, each with its own share of the connections. 0 is taken as 1.
  unsigned threads = 1;

  AcceptLimits accept;
  TransportOptions transport;
  Limits limits;
};

}  // namespace ordercast::net
