// SPDX-License-Identifier: MIT
#pragma once

// Before Asio, which looks for what the standard library has.
// clang-format off
#include <cstddef>
// clang-format on

#include <asio/ip/tcp.hpp>
#include <asio/version.hpp>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#if ASIO_VERSION < 101400
#error "ordercast needs Asio 1.14 or newer"
#endif

/// An acceptor passes these to a transport: a connected socket, and the ticket that counts it.
namespace ordercast::net {

using Socket = ::asio::ip::tcp::socket;

/// Counts an acceptor's connections on all threads, and knows which of them may be evicted. Any
/// thread. Holds its lock for a few look-ups at most, except in `evict`.
class ConnectionLedger {
 public:
  /// `most_request_bytes`: the most bytes of all unfinished requests together; 0: no limit.
  explicit ConnectionLedger(std::size_t most_request_bytes = 0) noexcept
      : most_request_bytes_(most_request_bytes) {}

  [[nodiscard]] std::size_t open() const noexcept { return open_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t handshakes() const noexcept {
    return handshakes_.load(std::memory_order_relaxed);
  }
  /// Connections of the address with this key, and those of them in their handshake.
  struct OfAddress {
    std::size_t open = 0;
    std::size_t handshakes = 0;
  };
  [[nodiscard]] OfAddress of(std::uint64_t address) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = by_address_.find(address);
    return found == by_address_.end() ? OfAddress{} : found->second;
  }

  enum class Evict : std::uint8_t {
    handshakes,  ///< Connections whose first request has not been read.
    silent,      ///< Those, and idle connections between two requests.
  };

  /// Ends the stream of the connection that has been silent for longest, and stops counting it as a
  /// handshake; its owner notices and closes it. `address` 0: of any address. Returns false if
  /// there is none: a connection with unread input is not silent. O(silent connections).
  bool evict(Evict which, std::uint64_t address = 0) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto one = silent_.begin(); one != silent_.end(); ++one) {
      if (address != 0 && one->address != address) continue;
      if (which == Evict::handshakes && !one->handshake) continue;
      int unread = 0;
      if (::ioctl(one->fd, FIONREAD, &unread) != 0 || unread > 0) continue;
      end(one);
      return true;
    }
    return false;
  }

  /// Bytes of unfinished requests. Any thread.
  [[nodiscard]] std::size_t request_bytes() const noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    return request_bytes_;
  }

 private:
  friend class SocketTicket;

  /// A connection that may be evicted. `fd` is open as long as it is listed.
  struct Silent;
  using Place = std::list<Silent>::iterator;
  struct Silent {
    int fd;
    std::uint64_t address;
    bool handshake;
    bool evicted = false;
    std::size_t bytes = 0;                    ///< Of its unfinished request.
    std::list<Place>::iterator reading = {};  ///< Its position in `reading_`, if `bytes` is not 0.
  };

  Place enter(int fd, std::uint64_t address) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto place = silent_.insert(silent_.end(), Silent{fd, address, true});
    try {
      if (address != 0) {
        auto& of_address = by_address_[address];
        ++of_address.open;
        ++of_address.handshakes;
      }
    } catch (...) {
      silent_.erase(place);
      throw;
    }
    open_.fetch_add(1, std::memory_order_relaxed);
    handshakes_.fetch_add(1, std::memory_order_relaxed);
    return place;
  }
  Place rest(int fd, std::uint64_t address) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return silent_.insert(silent_.end(), Silent{fd, address, false});
  }
  /// Records the size of an unfinished request. Above the bound, evicts the connections whose
  /// requests have taken longest, so that a fast request is not evicted.
  void hold(Place place, std::size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (place->evicted) return;
    if (place->bytes == 0) place->reading = reading_.insert(reading_.end(), place);
    request_bytes_ += bytes - place->bytes;
    place->bytes = bytes;
    while (most_request_bytes_ != 0 && request_bytes_ > most_request_bytes_) end(reading_.front());
  }
  void speak(Place place) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    forget_handshake(*place);
    forget_request(*place);
    (place->evicted ? evicted_ : silent_).erase(place);
  }
  void leave(std::uint64_t address) noexcept {
    open_.fetch_sub(1, std::memory_order_relaxed);
    if (address == 0) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = by_address_.find(address);
    if (--found->second.open == 0) by_address_.erase(found);
  }
  // Needs the lock.
  void end(Place one) noexcept {
    ::shutdown(one->fd, SHUT_RDWR);
    forget_handshake(*one);
    forget_request(*one);
    one->evicted = true;
    evicted_.splice(evicted_.end(), silent_, one);
  }
  void forget_request(Silent& one) noexcept {
    if (one.bytes == 0) return;
    request_bytes_ -= std::exchange(one.bytes, 0);
    reading_.erase(one.reading);
  }
  void forget_handshake(Silent& one) noexcept {
    if (!std::exchange(one.handshake, false)) return;
    handshakes_.fetch_sub(1, std::memory_order_relaxed);
    if (one.address != 0) --by_address_.find(one.address)->second.handshakes;
  }

  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> handshakes_{0};
  const std::size_t most_request_bytes_;
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, OfAddress> by_address_;  // under mutex_
  std::list<Silent> silent_;                                 // under mutex_; longest silent first
  std::list<Silent> evicted_;                                // under mutex_
  std::list<Place>
      reading_;  // under mutex_: those of `silent_` with an unfinished request; longest first
  std::size_t request_bytes_ = 0;  // under mutex_
};

/// Counts one connection of an acceptor. One thread at a time. Release it before you close the
/// socket: until then the ledger may end the socket's stream.
class SocketTicket {
 public:
  SocketTicket() = default;
  /// `address` 0 counts for no address. Throws std::bad_alloc.
  SocketTicket(std::shared_ptr<ConnectionLedger> ledger, int fd, std::uint64_t address)
      : address_(address), fd_(fd) {
    place_ = ledger->enter(fd, address);
    silent_ = true;
    ledger_ = std::move(ledger);
  }
  SocketTicket(const SocketTicket&) = delete;
  SocketTicket& operator=(const SocketTicket&) = delete;
  SocketTicket(SocketTicket&& other) noexcept { *this = std::move(other); }
  SocketTicket& operator=(SocketTicket&& other) noexcept {
    if (this == &other) return *this;
    release();
    ledger_ = std::move(other.ledger_);
    place_ = other.place_;
    fd_ = other.fd_;
    address_ = other.address_;
    bytes_ = other.bytes_;
    silent_ = std::exchange(other.silent_, false);
    return *this;
  }
  ~SocketTicket() { release(); }

  /// The first request has been read: stops counting the connection as a handshake.
  void settle() noexcept {
    if (ledger_ && std::exchange(silent_, false)) ledger_->speak(place_);
  }

  /// Records the size of the unfinished request. Counts in steps, so that small requests need no
  /// lock. Does not count it if there is no memory.
  void hold(std::size_t bytes) noexcept {
    bytes -= bytes % step_bytes;
    if (!ledger_ || !silent_ || bytes <= bytes_) return;
    try {
      ledger_->hold(place_, bytes);
      bytes_ = bytes;
    } catch (...) {
    }
  }

  /// The connection is idle between two requests and may be evicted. It stays if there is no memory
  /// to record that.
  void rest() noexcept {
    if (!ledger_ || silent_) return;
    try {
      place_ = ledger_->rest(fd_, address_);
      bytes_ = 0;
      silent_ = true;
    } catch (...) {
    }
  }

  void release() noexcept {
    settle();
    if (const auto ledger = std::exchange(ledger_, nullptr)) ledger->leave(address_);
  }

 private:
  static constexpr std::size_t step_bytes = 4096;

  std::shared_ptr<ConnectionLedger> ledger_;
  ConnectionLedger::Place place_{};
  std::uint64_t address_ = 0;
  std::size_t bytes_ = 0;  // As the ledger counts them.
  int fd_ = -1;
  bool silent_ = false;
};

}  // namespace ordercast::net
