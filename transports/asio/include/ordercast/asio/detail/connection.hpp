// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/detail/backlog.hpp>
#include <ordercast/asio/detail/turn_log.hpp>
#include <ordercast/asio/frame.hpp>
#include <ordercast/asio/frame_parser.hpp>
#include <ordercast/clock.hpp>
#include <ordercast/net/request_parser.hpp>
#include <ordercast/net/secure.hpp>
#include <ordercast/net/socket.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// What the transport knows of one connection. Plain values; one thread.
namespace ordercast::asio::detail {

/// A request that waits for its answer, or for the answers before it.
struct PendingRequest {
  std::uint64_t id = 0;
  TimePoint since{};
  bool to_head = false;
  bool safe = false;      ///< May run beside others (RFC 9110 section 9.2.1).
  bool last = false;      ///< The connection ends behind its answer.
  bool answered = false;  ///< `head` and `body` wait for their turn.
  Frame head;
  Frame body;             ///< Empty where the head has it.
  std::size_t owned = 0;  ///< Bytes of both that nobody shares.
};

/// An answer on its way out.
struct SentAnswer {
  std::uint64_t end = 0;  ///< Of all bytes that were ever queued.
  std::size_t owned = 0;
};

/// What only a connection that speaks HTTP needs. It goes with the upgrade.
struct HttpState {
  /// What an answer is taken to weigh before the first one is known.
  static constexpr std::size_t first_guess_bytes = 256 * 1024;

  explicit HttpState(net::RequestLimits limits_in) : limits(limits_in), parser(limits_in) {}

  net::RequestLimits limits;
  net::RequestParser parser;
  std::string peer;    ///< The client's address.
  std::string unread;  ///< What came behind a request that can't be started yet.
  std::vector<PendingRequest> pending;
  std::uint64_t last_id = 0;
  TimePoint since{};  ///< The connection's start, a request's first byte, or its answer's end.
  TimePoint write_since{};   ///< When the unwritten answers began to wait, or the last got through.
  std::uint64_t queued = 0;  ///< Bytes, all in all.
  std::uint64_t seen_written = 0;  ///< Bytes that the kernel had taken at `write_since`.
  std::size_t seen_unacked = 0;    ///< Of those, what the client had not acknowledged.
  std::deque<SentAnswer> sent;     ///< Answers that are not quite written.
  std::size_t owned = 0;           ///< Bytes of answers in memory, those in `pending` included.
  std::size_t guess = first_guess_bytes;    ///< What the next answer may weigh.
  std::shared_ptr<std::atomic<bool>> gone;  ///< Told to whoever works on a request.
  bool idle = false;                        ///< Between two requests.
  bool paused = false;  ///< Nothing is read until an answer is given or written.
  bool ended = false;   ///< No more requests: one said so, or was refused.

  [[nodiscard]] PendingRequest* find(std::uint64_t id) noexcept {
    const auto found = std::find_if(pending.begin(), pending.end(),
                                    [id](const PendingRequest& one) { return one.id == id; });
    return found == pending.end() ? nullptr : &*found;
  }
};

/// The slab record: all that an idle WebSocket costs.
struct Connection {
  enum class State : std::uint8_t {
    securing,  ///< In the TLS handshake.
    http,
    open,       ///< A WebSocket.
    closing,    ///< A WebSocket whose close handshake we began.
    finishing,  ///< Writes what is queued; then it lingers. What comes is dropped.
    lingering,  ///< Our half of the stream has ended.
    dead,       ///< The socket is closed; the record waits to be reported and released.
  };

  static constexpr std::uint32_t npos = UINT32_MAX;

  int fd = -1;
  std::uint32_t serial = 0;
  State state = State::http;
  bool websocket = false;  ///< `on_open` has been called.
  bool reported = false;   ///< So has `on_close`.
  bool wants_writable = false;
  bool counted = false;                 ///< In `http_requests`.
  bool client_ended = false;            ///< Nothing more will come.
  std::uint8_t interest = 0;            ///< What epoll watches for.
  std::uint32_t entry = TurnLog::npos;  ///< In the log of this turn.
  std::uint32_t discarded = 0;          ///< Bytes that were dropped at the end; then a link.
  std::size_t unwritten = 0;            ///< Bytes that the kernel has not taken.
  BacklogPool::Queue backlog;
  std::unique_ptr<HttpState> http;
  std::unique_ptr<FrameParser> parser;         ///< Within a message only.
  std::unique_ptr<net::SecureSession> secure;  ///< Null: plain.
  net::SocketTicket ticket;

  [[nodiscard]] bool is_websocket() const noexcept {
    return state == State::open || state == State::closing;
  }
  [[nodiscard]] bool accepts() const noexcept { return state == State::open; }
  /// The next of the dead. It needs no memory, as a socket may close when there is none.
  [[nodiscard]] std::uint32_t& dead_link() noexcept { return discarded; }
  /// Where a slab keeps its list of free records.
  [[nodiscard]] std::uint32_t& free_link() noexcept { return discarded; }
};

}  // namespace ordercast::asio::detail
