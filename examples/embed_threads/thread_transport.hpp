// SPDX-License-Identifier: MIT
#pragma once

#include "socket.hpp"
#include <ordercast/error.hpp>
#include <ordercast/net/frame.hpp>
#include <ordercast/net/frame_head.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <string>
#include <string_view>
#include <unordered_map>

namespace embed {

/// The transport that the core calls. A thread of its own serves each connection.
///
/// Every call except `prepare` runs with the server's lock held, so none may wait: `send` writes
/// what the kernel accepts at once, and the connection's thread writes the rest when there is room.
/// `net/frame.hpp` makes the frames; it needs no Asio.
class ThreadTransport {
 public:
  using Handle = std::uint64_t;
  using Frame = ordercast::net::Frame;

  /// `send` accepts no more for a connection above this; `on_writable` follows at
  /// `low_water_bytes`.
  static constexpr std::size_t high_water_bytes = 32 * 1024;
  static constexpr std::size_t low_water_bytes = 8 * 1024;

  /// One connection. Owned by its thread, guarded by the lock.
  struct Peer {
    explicit Peer(int fd) : socket(fd) {}
    int socket;
    Signal wake;  ///< Wakes the thread to look at all this again.
    std::deque<Frame> queue = {};
    std::size_t written = 0;  ///< Of the first frame.
    std::size_t bytes = 0;    ///< Of the queue, without what is written.
    bool owes_writable = false;
    bool closing = false;   ///< Our close frame is queued or sent: nothing follows it.
    bool finished = false;  ///< The peer's close frame has arrived.
    bool gone = false;      ///< Terminated.
    TimePoint deadline = (TimePoint::max)();  ///< Of the close handshake.
  };

  /// `close_timeout`: how long a close handshake may take, including the frames queued before it.
  explicit ThreadTransport(std::chrono::milliseconds close_timeout = std::chrono::seconds(5))
      : close_timeout_(close_timeout) {}

  // What the manager calls ---------------------------------------------------------------------

  static Frame prepare(const std::string& text) {
    return ordercast::net::make_frame(ordercast::net::Opcode::text, text);
  }

  ordercast::SendResult send(Handle handle, const Frame& frame) noexcept {
    auto* const peer = find_open(handle);
    if (peer == nullptr) return ordercast::SendResult::closed;
    if (peer->bytes >= high_water_bytes) {
      peer->owes_writable = true;
      return ordercast::SendResult::backpressure;
    }
    write(*peer, frame);
    return peer->gone ? ordercast::SendResult::closed : ordercast::SendResult::accepted;
  }

  [[nodiscard]] std::size_t buffered_bytes(Handle handle) const noexcept {
    const auto found = peers_.find(handle);
    return found == peers_.end() ? 0 : found->second->bytes;
  }

  void ping(Handle handle) noexcept { write_control(handle, ordercast::net::Opcode::ping, {}); }

  void close(Handle handle, ordercast::CloseCode code, std::string_view reason) noexcept {
    auto* const peer = find_open(handle);
    if (peer == nullptr) return;
    write_made(*peer, [&] { return ordercast::net::make_close_frame(code, reason); });
    start_closing(*peer);
  }

  void terminate(Handle handle) noexcept {
    const auto found = peers_.find(handle);
    if (found != peers_.end()) end(*found->second);
  }

  // What the connections' threads call, with the lock ------------------------------------------

  [[nodiscard]] Handle add(Peer& peer) {
    peers_.emplace(++last_, &peer);
    return last_;
  }
  void remove(Handle handle) noexcept { peers_.erase(handle); }
  [[nodiscard]] std::size_t size() const noexcept { return peers_.size(); }

  /// Answers a ping, unless the connection is slow: it would not read the pong either, and its
  /// queue is bounded.
  void pong(Handle handle, std::string_view payload) noexcept {
    if (buffered_bytes(handle) < high_water_bytes) {
      write_control(handle, ordercast::net::Opcode::pong, payload);
    }
  }

  /// The peer has sent a close frame. Answers with `payload` unless our close frame went first.
  void close_received(Handle handle, std::string_view payload) noexcept {
    write_control(handle, ordercast::net::Opcode::close, payload);
    const auto& peer = peers_.at(handle);
    start_closing(*peer);
    peer->finished = true;
  }

  /// Writes what the kernel accepts.
  static void flush(Peer& peer) noexcept {
    while (!peer.queue.empty()) {
      const auto rest = peer.queue.front().bytes().substr(peer.written);
      const auto count = ::send(peer.socket, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN) end(peer);
        return;
      }
      peer.written += static_cast<std::size_t>(count);
      peer.bytes -= static_cast<std::size_t>(count);
      if (static_cast<std::size_t>(count) < rest.size()) return;
      peer.queue.pop_front();
      peer.written = 0;
    }
  }

 private:
  /// Returns null if the connection is closing or gone.
  [[nodiscard]] Peer* find_open(Handle handle) const noexcept {
    const auto found = peers_.find(handle);
    if (found == peers_.end() || found->second->closing || found->second->gone) return nullptr;
    return found->second;
  }

  void write_control(Handle handle, ordercast::net::Opcode opcode,
                     std::string_view payload) noexcept {
    auto* const peer = find_open(handle);
    if (peer == nullptr) return;
    write_made(*peer, [&] { return ordercast::net::make_frame(opcode, payload); });
  }

  /// Writes the frame that `make` returns. Ends the connection if there is no memory for it.
  template <class Make>
  static void write_made(Peer& peer, const Make& make) noexcept try {
    write(peer, make());
  } catch (const std::exception&) {
    end(peer);
  }

  /// Ends the connection if there is no memory; the client reconnects and asks for what it missed.
  static void write(Peer& peer, const Frame& frame) noexcept try {
    const bool waits = !peer.queue.empty();
    peer.queue.push_back(frame);
    peer.bytes += frame.size();
    if (waits) return;
    flush(peer);
    if (!peer.queue.empty()) peer.wake.set();
  } catch (const std::exception&) {
    end(peer);
  }

  void start_closing(Peer& peer) const noexcept {
    if (std::exchange(peer.closing, true)) return;
    peer.deadline = now() + close_timeout_;
    peer.wake.set();
  }

  /// Terminates the connection; its thread notices and reports it.
  static void end(Peer& peer) noexcept {
    peer.gone = true;
    peer.queue.clear();
    peer.bytes = 0;
    const struct ::linger at_once { 1, 0 };  // Discards what the kernel still holds.
    ::setsockopt(peer.socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    peer.wake.set();
  }

  std::chrono::milliseconds close_timeout_;
  Handle last_ = 0;
  std::unordered_map<Handle, Peer*> peers_;
};

}  // namespace embed
