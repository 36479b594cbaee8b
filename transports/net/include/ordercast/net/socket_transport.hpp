// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/error_report.hpp>
#include <ordercast/net/handshake_gate.hpp>
#include <ordercast/net/options.hpp>
#include <ordercast/net/responder.hpp>
#include <ordercast/net/response_writer.hpp>
#include <ordercast/net/sink.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

/// The common part of the transports of this family: the sink, the handlers of plain HTTP and of
/// handshakes, and the counts. A transport derives from it and adds reading and writing.
///
/// Threads: the thread of the transport's event loop, except for the two counters (any).
namespace ordercast::net {

template <class HandleT>
class SocketTransport {
 public:
  using Handle = HandleT;

  SocketTransport(const SocketTransport&) = delete;
  SocketTransport& operator=(const SocketTransport&) = delete;

  // Setting up, before the first connection -----------------------------------------------------

  /// `sink`: see net/sink.hpp; it must outlive the connections. If it has `on_binary(handle,
  /// bytes)`, it gets binary messages; otherwise they close with 1003.
  template <class Sink>
  void bind(Sink& sink) {
    sink_ = calls_of<Handle>(sink);
  }

  /// Sets the handler of plain HTTP requests; without one they get 404.
  void set_http_handler(HttpHandler handler) { http_handler_ = std::move(handler); }

  /// Sets the filter of handshakes; without one those for the path /ws are accepted, others get
  /// 404, and a plain request for /ws gets 426.
  void set_handshake_filter(HandshakeFilter filter) { gate_.set_filter(std::move(filter)); }

  // ---------------------------------------------------------------------------------------------

  /// Answers handshakes with 503 and Retry-After from now on. Plain HTTP continues; each connection
  /// ends after its next answer.
  void begin_drain() noexcept { gate_.begin_drain(); }

  /// How many WebSockets are open. Any thread.
  [[nodiscard]] std::size_t websockets() const noexcept {
    return websockets_.load(std::memory_order_relaxed);
  }
  /// How many connections have an unfinished HTTP answer. Any thread.
  [[nodiscard]] std::size_t http_requests() const noexcept {
    return http_requests_.load(std::memory_order_relaxed);
  }

 protected:
  explicit SocketTransport(TransportOptions options)
      : options_(bounded(std::move(options))),
        gate_(options_.retry_after, options_.on_error, options_.error_format) {}
  ~SocketTransport() = default;

  /// Passes a plain request to the application, whose answer goes to `deliver(HttpResponse)`, on
  /// any thread, later or before this returns. Returns the transport's own answer if there is no
  /// handler, or if it throws.
  template <class Deliver>
  [[nodiscard]] std::optional<HttpResponse> dispatch(HttpRequest&& request, Deliver deliver) {
    if (auto refusal = gate_.refuse_plain(request)) return refusal;
    if (!http_handler_) return error_response(404, options_.error_format);
    try {
      http_handler_(std::move(request), make_responder(std::move(deliver), options_.error_format));
      return std::nullopt;
    } catch (...) {
      report(std::current_exception());
      return error_response(500, options_.error_format);
    }
  }

  /// The answer while draining, and if the application does not answer in time.
  [[nodiscard]] HttpResponse busy_response() const {
    return unavailable_response(options_.retry_after, options_.error_format);
  }

  /// Reports an exception of the application's code.
  void report(std::exception_ptr error) const noexcept {
    report_error(options_.on_error, std::move(error));
  }

  TransportOptions options_;
  SinkCalls<Handle> sink_;
  HandshakeGate gate_;
  std::atomic<std::size_t> websockets_{0};
  std::atomic<std::size_t> http_requests_{0};

 private:
  HttpHandler http_handler_;
};

}  // namespace ordercast::net
