// SPDX-License-Identifier: MIT
#pragma once

#include <asio/ip/tcp.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

/// What an acceptor hands to a transport: a connected socket, and the ticket that counts it.
namespace ordercast::net {

using Socket = asio::ip::tcp::socket;

/// One of the connections that an acceptor counts; given back when the socket is closed. One thread
/// at a time; the count itself may be read from any.
class SocketTicket {
 public:
  using Count = std::shared_ptr<std::atomic<std::size_t>>;

  SocketTicket() = default;
  explicit SocketTicket(Count count) : count_(std::move(count)) {
    count_->fetch_add(1, std::memory_order_relaxed);
  }
  SocketTicket(const SocketTicket&) = delete;
  SocketTicket& operator=(const SocketTicket&) = delete;
  SocketTicket(SocketTicket&& other) noexcept = default;
  SocketTicket& operator=(SocketTicket&& other) noexcept {
    release();
    count_ = std::move(other.count_);
    return *this;
  }
  ~SocketTicket() { release(); }

  void release() noexcept {
    if (const auto count = std::exchange(count_, nullptr)) {
      count->fetch_sub(1, std::memory_order_relaxed);
    }
  }

 private:
  Count count_;
};

}  // namespace ordercast::net
