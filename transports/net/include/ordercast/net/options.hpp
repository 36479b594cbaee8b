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

/// Options of a socket transport and of the server around it.
namespace ordercast::net {

/// How to send bytes to the kernel.
enum class IoMode : std::uint8_t {
  automatic,  ///< With io_uring if the system allows it and there is more than a little to send.
  uring,      ///< With io_uring always; like `send` if io_uring is forbidden.
  send,       ///< With sendmsg(2) only.
};

/// Bounds of one transport, each with its default.
struct TransportOptions {
  /// `send` returns backpressure when a connection has this many bytes that the kernel has refused.
  /// Cost: at most this and one frame for each connection that does not read.
  std::size_t high_water_bytes = 32 * 1024;

  /// After backpressure, `on_writable` comes when at most this is left. Below the high-water mark,
  /// so that a slow connection is filled in batches.
  std::size_t low_water_bytes = 8 * 1024;

  /// The longest text message from a client, including all fragments; a longer one closes with
  /// 1009.
  std::size_t max_message_bytes = 4 * 1024;

  /// Accepts permessage-deflate (RFC 7692) if a client offers it; the limit above then holds for
  /// what its messages inflate to. A broadcast is compressed once for all such clients, and not at
  /// all if there are none. Cost: 80 KiB a thread, nothing a connection. Without zlib no offer is
  /// accepted (transports/net/README.md).
  bool permessage_deflate = true;

  /// The longest body of an HTTP request; a longer one gets 413.
  std::size_t max_body_bytes = 64 * 1024;

  /// The longest request line and headers together; longer ones get 431.
  std::size_t max_head_bytes = 16 * 1024;

  /// Encrypts every connection (see tls.hpp). Null: no TLS here.
  std::shared_ptr<SecureContext> tls;

  /// Time limit from the start of a connection to the end of its first request, including the TLS
  /// handshake and the body.
  std::chrono::milliseconds handshake_timeout{10'000};

  /// How long an `HttpHandler` may take to answer. After that the client gets 503, and a late
  /// answer is dropped.
  std::chrono::milliseconds http_timeout{30'000};

  /// Closes a connection whose client acknowledges nothing of its HTTP answers (RFC 9293 section
  /// 3.4) for this long. While bytes move, an answer may take any time.
  std::chrono::milliseconds write_timeout{10'000};

  /// Most bytes of HTTP answers queued for one connection; an answer that would exceed it becomes a
  /// 503. A single answer may have any size. Shared bodies don't count.
  std::size_t max_unsent_bytes = 16 * 1024 * 1024;

  /// The same for all connections together, split among the I/O threads. Above it, connections that
  /// have stopped reading are closed, the longest-stopped first; if there are none, answers become
  /// a 503.
  std::size_t max_unsent_total_bytes = 256 * 1024 * 1024;

  /// How long a close handshake may take, including the data queued before it.
  std::chrono::milliseconds close_timeout{5'000};

  /// After the last byte the server reads and drops input for this long, so that the client gets
  /// the answer or close frame instead of a TCP reset (RFC 9112 section 9.6). Ends when the client
  /// closes.
  std::chrono::milliseconds linger_timeout{1'000};

  /// How long a keep-alive connection may be idle between requests. Longer than the 60 s after
  /// which common load balancers close an idle connection: the side that sends requests should
  /// close first.
  std::chrono::milliseconds keep_alive_timeout{75'000};

  /// Most requests of one connection in progress; the next one is read when one of them has been
  /// answered.
  std::size_t max_pipelined_requests = 32;

  /// Only the asio transport uses io_uring.
  IoMode io = IoMode::automatic;

  /// The `Retry-After` of a handshake that is refused while draining.
  std::chrono::seconds retry_after{1};

  /// Formats the transport's own answers: a refused request, 404 without a handler, 500, 503.
  /// Default: plain text.
  ErrorFormat error_format = plain_error;

  /// Called with an exception of the application's code, on an I/O thread. The connection gets 500
  /// or close 1011, and the server continues. Must not throw. Default: ignored.
  std::function<void(std::exception_ptr)> on_error;
};

/// The options with every duration limited to between zero and a year, so that a deadline can't
/// overflow, and the low-water mark at most the high one.
[[nodiscard]] inline TransportOptions bounded(TransportOptions options) {
  constexpr std::chrono::milliseconds year = std::chrono::hours(365 * 24);
  for (auto* duration :
       {&options.handshake_timeout, &options.http_timeout, &options.write_timeout,
        &options.close_timeout, &options.linger_timeout, &options.keep_alive_timeout}) {
    *duration = std::clamp(*duration, std::chrono::milliseconds(0), year);
  }
  options.low_water_bytes = (std::min)(options.low_water_bytes, options.high_water_bytes);
  return options;
}

/// Limits of an acceptor. Above a limit, the connection that has been silent for longest is closed:
/// in its handshake or, for `max_connections`, between two requests. If none is silent, the new
/// connection gets 503 at once, or, with TLS, is closed.
struct AcceptLimits {
  /// Most open connections. 0: as many as RLIMIT_NOFILE allows, less a reserve for files and
  /// databases. A higher value is lowered to that. Cost: see the transport's README.
  std::size_t max_connections = 0;

  /// Most connections whose first request has not been read yet: in the TLS handshake, in the
  /// request, or silent. One address may have a sixteenth of them, and at least 8. 0: only
  /// `max_connections` limits them. Cost: about 20 KiB each in that time.
  std::size_t max_handshakes = 8192;

  /// Most connections of one client address; an IPv6 /64 counts as one. 0: no limit. Many phones
  /// can share one address. Cost: about 60 bytes for each connected address.
  std::size_t max_per_address = 0;

  /// Addresses that no limit by address counts. Default: loopback. Called on the thread that
  /// accepts or adopts.
  std::function<bool(const ::asio::ip::address&)> exempt = [](const ::asio::ip::address& address) {
    return address.is_loopback();
  };

  /// Most bytes of all unfinished requests together; above it, the connection whose request has
  /// taken longest is closed. 0: no limit.
  std::size_t max_request_bytes = 64 * 1024 * 1024;

  /// Most unsent bytes of one connection in the kernel (TCP_NOTSENT_LOWAT); bytes in flight to the
  /// peer don't count. Data in the kernel can't be conflated any more, and copying it costs time:
  /// by default Linux accepts up to 4 MiB for a peer that reads nothing. With 16 KiB such a peer
  /// gets 54 kB of stale updates when it reads again, with 64 KiB 103 kB (bench/README.md). 0: the
  /// kernel's default.
  std::size_t max_kernel_unsent_bytes = 16 * 1024;
};

struct ServerOptions {
  std::string host = "127.0.0.1";  ///< An address or a name; the first that resolves is bound.
  std::uint16_t port = 0;          ///< 0 picks a free port; `listen` returns it.

  /// A TCP socket that listens already and outlives this server, from a service manager for
  /// example; used instead of `host` and `port`, and closed by the server. -1: none. A drain stops
  /// accepting at once and serves whoever was accepted, so that all who come later wait for the
  /// socket's next server.
  int listening_socket = -1;

  /// I/O threads, each with its own connections. 0 counts as 1.
  unsigned threads = 1;

  AcceptLimits accept;
  TransportOptions transport;
  Limits limits;
};

}  // namespace ordercast::net
