// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/transport.hpp>

#include <string_view>

namespace ordercast::asio {

/// What a WebSocket's frames lead to.
class Transport::WebSocketEvents {
 public:
  WebSocketEvents(Transport& transport, Index index) noexcept
      : transport_(transport),
        index_(index),
        connection_(transport.connections_[index]),
        handle_(transport.connections_.handle_of(index)) {}

  void on_message(std::string_view text) const {
    tell([&](const auto& sink) { sink.on_message(sink.sink, handle_, text); });
  }
  void on_binary(std::string_view bytes) const {
    tell([&](const auto& sink) { sink.on_binary(sink.sink, handle_, bytes); });
  }
  void on_control() const {
    tell([&](const auto& sink) { sink.on_control(sink.sink, handle_); });
  }
  void on_pong() const {
    tell([&](const auto& sink) { sink.on_pong(sink.sink, handle_); });
  }
  void send(const Frame& frame) const { transport_.queue(index_, connection_, frame); }
  [[nodiscard]] bool has_room() const {
    return connection_.queue.unwritten_bytes() < transport_.options_.high_water_bytes;
  }
  void on_end() const {
    transport_.finish(index_, connection_, transport_.options_.close_timeout);
    transport_.report_close(index_, connection_);
  }

 private:
  template <class F>
  void tell(F&& f) const {
    transport_.guarded(index_, [&] { f(transport_.sink_); });
  }

  Transport& transport_;
  Index index_;
  Connection& connection_;
  Handle handle_;
};

}  // namespace ordercast::asio
