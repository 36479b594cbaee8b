// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/stream_socket.hpp>
#include <ordercast/asio/turn_writer.hpp>
#include <ordercast/asio/websocket_connection.hpp>
#include <ordercast/detail/slab.hpp>
#include <ordercast/net/http_connection.hpp>
#include <ordercast/net/socket.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

/// The connections of a loop: one record each, known by handles that can go stale safely. One
/// thread.
namespace ordercast::asio {

/// Finds out who keeps sending more than one turn reads while others wait; they are served last.
/// It needs no clock: four reads in a row that leave something behind put a socket aside, sixteen
/// that don't bring it back.
class Greed {
 public:
  enum class Verdict : std::uint8_t { none, set_aside, take_back };

  /// Notes one read in a crowd; `is_full` if more was there than it took.
  [[nodiscard]] Verdict note(bool is_full) noexcept {
    if (is_full == is_aside_) {
      reads_ = 0;
      return Verdict::none;
    }
    if (++reads_ < (is_aside_ ? calm_reads : greedy_reads)) return Verdict::none;
    return is_aside_ ? Verdict::take_back : Verdict::set_aside;
  }
  void set_aside(bool is_aside) noexcept {
    is_aside_ = is_aside;
    reads_ = 0;
  }
  [[nodiscard]] bool is_aside() const noexcept { return is_aside_; }

 private:
  static constexpr unsigned greedy_reads = 4;
  static constexpr unsigned calm_reads = 16;

  std::uint8_t reads_ : 7;  // Of those that speak for a change.
  std::uint8_t is_aside_ : 1;

 public:
  Greed() noexcept : reads_(0), is_aside_(0) {}
};

/// This record is all that an idle WebSocket costs.
struct Connection {
  enum class State : std::uint8_t {
    securing,  ///< In the TLS handshake.
    http,
    websocket,
    finishing,  ///< Writes what is queued, then lingers. Input is dropped.
    lingering,  ///< Our half of the stream has ended.
    dead,       ///< The socket is closed; the record waits to be reported and released.
  };

  // The order matters: all that a frame touches, from `serial` to the state of `websocket`, is 64
  // contiguous bytes.
  net::SocketTicket ticket;
  std::uint32_t serial = 0;
  State state = State::http;
  std::uint8_t interest = 0;  ///< What epoll watches for.
  bool counted : 1;           ///< In `http_requests`.
  bool client_ended : 1;      ///< The client has ended its half of the stream.
  Greed greed;
  StreamSocket socket;
  TurnWriter::Queue queue;
  WebSocketConnection websocket;
  std::unique_ptr<net::HttpConnection> http;  ///< Goes with the upgrade.

  Connection() noexcept : counted(false), client_ended(false) {}

  /// Where a slab links its free records. A free record has no open socket, so no handle finds it.
  [[nodiscard]] std::uint32_t& free_link() noexcept { return serial; }
};

class Connections {
 public:
  using Index = std::uint32_t;
  using Handle = std::uint64_t;

  /// Takes a free record and gives it a new serial. Amortised O(1), with the strong guarantee.
  [[nodiscard]] Index acquire() {
    if (dead_.capacity() <= records_.size()) dead_.reserve(2 * records_.size() + 16);
    const auto index = records_.acquire();
    if (++last_serial_ == 0) ++last_serial_;
    records_[index].serial = last_serial_;
    return index;
  }

  [[nodiscard]] Connection& operator[](Index index) noexcept { return records_[index]; }
  [[nodiscard]] Handle handle_of(Index index) noexcept {
    return Handle{records_[index].serial} << 32U | index;
  }
  [[nodiscard]] static Index index_of(Handle handle) noexcept { return static_cast<Index>(handle); }

  /// The connection of a handle, or null if its socket is closed. O(1).
  [[nodiscard]] Connection* find(Handle handle) noexcept {
    const auto index = index_of(handle);
    if (index >= records_.end_id()) return nullptr;
    auto& connection = records_[index];
    return connection.serial == handle >> 32U && connection.socket.is_open() ? &connection
                                                                             : nullptr;
  }
  [[nodiscard]] const Connection* find(Handle handle) const noexcept {
    return const_cast<Connections*>(this)->find(handle);
  }

  /// The record stays until `release_dead`, because the caller may still be using it.
  void mark_dead(Index index) noexcept {
    records_[index].state = Connection::State::dead;
    dead_.push_back(index);  // `acquire` has made room.
  }
  [[nodiscard]] std::size_t dead_count() const noexcept { return dead_.size(); }

  /// Calls `bury(index)` for the first `count` dead connections and frees their records. `bury` may
  /// mark others dead; those join the end of the list.
  template <class F>
  void release_dead(std::size_t count, F&& bury) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      const auto index = dead_[i];
      bury(index);
      records_.release(index);
    }
    dead_.erase(dead_.begin(), dead_.begin() + static_cast<std::ptrdiff_t>(count));
    if (records_.size() == 0) decltype(dead_)().swap(dead_);
  }

  /// Calls `f(index, connection)` for each whose socket is open.
  template <class F>
  void for_each_open(F&& f) {
    for (Index i = 0; i < records_.end_id(); ++i) {
      if (records_[i].socket.is_open()) f(i, records_[i]);
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }

  // What the turn writer needs.
  [[nodiscard]] StreamSocket& socket(Index index) noexcept { return records_[index].socket; }
  [[nodiscard]] TurnWriter::Queue& queue(Index index) noexcept { return records_[index].queue; }

 private:
  ordercast::detail::Slab<Connection> records_;
  std::vector<Index> dead_;
  std::uint32_t last_serial_ = 0;
};

}  // namespace ordercast::asio
