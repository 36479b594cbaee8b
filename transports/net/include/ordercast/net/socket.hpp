// SPDX-License-Identifier: MIT
#pragma once

// Before Asio, which looks for what the standard library has.
// clang-format off
#include <cstddef>
// clang-format on

#include <asio/ip/tcp.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

/// What an acceptor hands to a transport: a connected socket, and the ticket that counts it.
namespace ordercast::net {

using Socket = asio::ip::tcp::socket;

/// What an acceptor counts, wherever the connections ended up. Any thread.
class ConnectionLedger {
 public:
  [[nodiscard]] std::size_t open() const noexcept { return open_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t handshakes() const noexcept {
    return handshakes_.load(std::memory_order_relaxed);
  }
  /// Connections of the address with this key.
  [[nodiscard]] std::size_t open_of(std::uint64_t address) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = by_address_.find(address);
    return found == by_address_.end() ? 0 : found->second;
  }

 private:
  friend class SocketTicket;

  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> handshakes_{0};
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::size_t> by_address_;  // under mutex_
};

/// One of the connections that an acceptor counts; given back when the socket is closed. One thread
/// at a time. The lock of the ledger is taken only for addresses that are counted.
class SocketTicket {
 public:
  SocketTicket() = default;
  /// `address` 0 is counted for no address. Throws std::bad_alloc.
  explicit SocketTicket(std::shared_ptr<ConnectionLedger> ledger, std::uint64_t address = 0)
      : address_(address) {
    if (address != 0) {
      const std::lock_guard<std::mutex> lock(ledger->mutex_);
      ++ledger->by_address_[address];
    }
    ledger_ = std::move(ledger);
    ledger_->open_.fetch_add(1, std::memory_order_relaxed);
    ledger_->handshakes_.fetch_add(1, std::memory_order_relaxed);
  }
  SocketTicket(const SocketTicket&) = delete;
  SocketTicket& operator=(const SocketTicket&) = delete;
  SocketTicket(SocketTicket&& other) noexcept
      : ledger_(std::move(other.ledger_)), address_(other.address_), settled_(other.settled_) {}
  SocketTicket& operator=(SocketTicket&& other) noexcept {
    release();
    ledger_ = std::move(other.ledger_);
    address_ = other.address_;
    settled_ = other.settled_;
    return *this;
  }
  ~SocketTicket() { release(); }

  /// Its first request has been read: it is no longer one of those that still have to say what they
  /// want.
  void settle() noexcept {
    if (!ledger_ || std::exchange(settled_, true)) return;
    ledger_->handshakes_.fetch_sub(1, std::memory_order_relaxed);
  }

  void release() noexcept {
    settle();
    const auto ledger = std::exchange(ledger_, nullptr);
    if (!ledger) return;
    ledger->open_.fetch_sub(1, std::memory_order_relaxed);
    if (address_ == 0) return;
    const std::lock_guard<std::mutex> lock(ledger->mutex_);
    const auto found = ledger->by_address_.find(address_);
    if (--found->second == 0) ledger->by_address_.erase(found);
  }

 private:
  std::shared_ptr<ConnectionLedger> ledger_;
  std::uint64_t address_ = 0;
  bool settled_ = false;
};

}  // namespace ordercast::net
