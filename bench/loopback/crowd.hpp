// SPDX-License-Identifier: MIT
#pragma once

#include "loop.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

/// The clients of a measurement: raw WebSocket connections that count their messages.
namespace ordercast::bench {

/// The messages that all connections of a crowd got.
struct Tally {
  std::uint64_t updates = 0;  ///< order:updated
  std::uint64_t hints = 0;    ///< orders:changed
  std::uint64_t pongs = 0;
  std::uint64_t update_bytes = 0;
};

/// A token (RFC 7519, HS256) for an hour.
[[nodiscard]] std::string token_for(std::string_view user, std::string_view role,
                                    std::string_view secret);

class Crowd {
 public:
  /// Called with the order id of each `order:updated` and `orders:changed`.
  using OnDelivery = std::function<void(std::string_view order_id)>;

  Crowd(Loop& loop, std::uint16_t port, std::string secret)
      : loop_(loop), port_(port), secret_(std::move(secret)) {}

  /// Opens connections, each with its own user; returns when all are open.
  void open(std::size_t count, std::string_view role);
  /// Sends a subscribe message. `settle` waits until the server has handled it.
  void subscribe(std::size_t client, std::string_view order_id);
  /// Pings every connection and waits for the answers: then the server has handled all earlier
  /// messages, and nothing else is in flight.
  void settle();
  /// Like `settle`, but pings only the client that opened last.
  void settle_last();

  [[nodiscard]] const Tally& tally() const noexcept { return tally_; }
  [[nodiscard]] std::size_t size() const noexcept { return clients_.size(); }
  void set_on_delivery(OnDelivery on_delivery) { on_delivery_ = std::move(on_delivery); }

 private:
  class Client final : public Source {
   public:
    Client(Crowd& crowd, int fd) : crowd_(crowd), fd_(fd) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() override { ::close(fd_); }
    void on_readable() override;
    void send_text(std::string_view text) const { send_frame(0x1, text); }

   private:
    /// Handles a complete frame, or the handshake's answer, at the front. Returns its size; 0 if it
    /// is incomplete.
    std::size_t take(std::string_view input);
    void on_frame(unsigned opcode, std::string_view payload);
    void send_frame(unsigned opcode, std::string_view payload) const;

    Crowd& crowd_;
    int fd_;
    bool open_ = false;
    std::string rest_;  // Incomplete input.
  };

  void on_text(std::string_view text);

  Loop& loop_;
  std::uint16_t port_;
  std::string secret_;
  std::deque<Client> clients_;
  std::size_t open_ = 0;
  Tally tally_;
  OnDelivery on_delivery_;
};

}  // namespace ordercast::bench
