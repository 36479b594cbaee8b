// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/detail/handshake.hpp>
#include <ordercast/asio/transport.hpp>
#include <ordercast/net/response_writer.hpp>

#include <ctime>
#include <utility>

/// Bodies of transport.hpp: the handshake and what comes after it.
namespace ordercast::asio {

/// `rest` came behind the handshake.
inline void Transport::upgrade(Index index, Connection& connection, const HttpRequest& request,
                               std::string rest) {
  // Answers to what came before may still be on their way: from here on a WebSocket's bytes.
  connection.http.reset();
  count_http(connection, false);
  const auto refusal = gate_.refuse(request);
  if (connection.fd < 0) return;  // The filter ended the server.
  if (refusal) {
    queue(index, connection, Frame::of(net::write_response(*refusal, false, std::time(nullptr))));
    return finish(index, connection, options_.handshake_timeout);
  }
  const auto opening = net::opening_of(request);
  queue(index, connection, Frame::of(detail::accept_handshake(request)));
  timers_.cancel(index);
  connection.state = State::open;
  connection.websocket = true;
  websockets_.fetch_add(1, std::memory_order_relaxed);
  guarded(index, [&] {
    sink_.on_open(sink_.sink, handle_of(index, connection), opening.token, opening.hello);
  });
  if (!rest.empty() && connection.is_websocket()) {
    read_frames(index, connection, {rest.data(), rest.size()});
  }
}

inline void Transport::read_frames(Index index, Connection& connection, Input input) {
  if (!connection.parser) connection.parser = take_parser();
  while (connection.is_websocket()) {
    const auto item = connection.parser->next(input);
    const auto handle = handle_of(index, connection);
    for (auto count = connection.parser->take_empty_fragments();
         count > 0 && connection.state == State::open; --count) {
      guarded(index, [&] { sink_.on_control(sink_.sink, handle); });
    }
    if (item.kind == FrameParser::Kind::none) break;
    on_item(index, connection, item);
  }
  if (connection.parser->idle() || !connection.is_websocket()) {
    give_back(std::move(connection.parser));
  }
}

inline void Transport::on_item(Index index, Connection& connection, const FrameParser::Item& item) {
  using Kind = FrameParser::Kind;
  const auto handle = handle_of(index, connection);
  const bool open = connection.state == State::open;
  switch (item.kind) {
    case Kind::text:
      if (open) guarded(index, [&] { sink_.on_message(sink_.sink, handle, item.payload); });
      break;
    case Kind::binary:
      if (open) guarded(index, [&] { sink_.on_binary(sink_.sink, handle, item.payload); });
      break;
    case Kind::ping:
      if (open) guarded(index, [&] { sink_.on_control(sink_.sink, handle); });
      // A client that pings and never reads may not fill our memory with pongs.
      if (connection.state == State::open && connection.unwritten < options_.high_water_bytes) {
        queue(index, connection, make_frame(Opcode::pong, item.payload));
      }
      break;
    case Kind::pong:
      if (open) guarded(index, [&] { sink_.on_pong(sink_.sink, handle); });
      if (connection.state == State::open) {
        guarded(index, [&] { sink_.on_control(sink_.sink, handle); });
      }
      break;
    case Kind::close:
      if (open) queue(index, connection, make_frame(Opcode::close, item.payload));
      finish(index, connection, options_.close_timeout);
      report_close(index, connection);
      break;
    case Kind::refused:
      fail(index, connection, item.code);
      break;
    case Kind::none:
      break;
  }
}

/// Ends a WebSocket with a close frame and without waiting for the client's (RFC 6455 section
/// 7.1.7).
inline void Transport::fail(Index index, Connection& connection, CloseCode code) {
  if (!connection.is_websocket()) return;
  if (connection.state == State::open) queue(index, connection, make_close_frame(code, {}));
  finish(index, connection, options_.close_timeout);
  report_close(index, connection);
}

inline std::unique_ptr<FrameParser> Transport::take_parser() {
  if (spare_parsers_.empty()) {
    return std::make_unique<FrameParser>(
        FrameParserOptions{options_.max_message_bytes, sink_.on_binary != nullptr});
  }
  auto parser = std::move(spare_parsers_.back());
  spare_parsers_.pop_back();
  return parser;
}

inline void Transport::give_back(std::unique_ptr<FrameParser> parser) noexcept {
  if (spare_parsers_.size() == max_spare_parsers) return;
  parser->reset();
  spare_parsers_.push_back(std::move(parser));
}

}  // namespace ordercast::asio
