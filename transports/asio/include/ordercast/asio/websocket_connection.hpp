// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/asio/frame_parser_pool.hpp>
#include <ordercast/error.hpp>
#include <ordercast/net/deflate_terms.hpp>
#include <ordercast/net/frame.hpp>
#include <ordercast/net/frame_parser.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

/// One WebSocket after its handshake, without I/O: frames in, messages and answers out, and the
/// close handshake (RFC 6455 sections 5 and 7). One thread. Between two messages it costs 16 bytes,
/// because it borrows a parser only while a message is incomplete.
///
/// `Owner` is a class with these members, any of which may end the connection:
///
///     void on_message(std::string_view);  void on_binary(std::string_view);
///     void on_control();  void on_pong();
///     void send(const Frame&);
///     bool has_room();  // for a pong: false leaves it out
///     void on_end();    // write what was sent, then end the stream; called once
namespace ordercast::asio {

class WebSocketConnection {
 public:
  /// The handshake is over, with these terms.
  void open(const net::DeflateTerms& deflate = {}) noexcept {
    state_ = State::open;
    deflate_ = deflate;
  }
  [[nodiscard]] const net::DeflateTerms& deflate() const noexcept { return deflate_; }

  /// True from `open` to the first close frame in either direction: messages may be sent.
  [[nodiscard]] bool is_open() const noexcept { return state_ == State::open; }
  /// True up to the end of the close handshake: frames are read.
  [[nodiscard]] bool is_live() const noexcept {
    return state_ == State::open || state_ == State::closing;
  }
  [[nodiscard]] bool was_opened() const noexcept { return state_ != State::before; }

  /// Reads frames; changes the bytes.
  template <class Owner>
  void read(net::Input input, FrameParserPool& parsers, Owner&& owner) {
    if (!parser_) {
      parser_ = parsers.take();
      if (deflate_) parser_->accept_deflated();
    }
    while (is_live()) {
      const auto item = parser_->next(input);
      for (auto count = parser_->take_empty_fragments(); count > 0 && is_open(); --count) {
        owner.on_control();
      }
      if (item.kind == net::FrameParser::Kind::none) break;
      on_item(item, owner);
    }
    if (parser_->idle() || !is_live()) parsers.give_back(std::move(parser_));
  }

  /// Starts the close handshake. Only while open. The client's close frame or the owner's deadline
  /// ends it.
  template <class Owner>
  void close(CloseCode code, std::string_view reason, Owner&& owner) {
    owner.send(net::make_close_frame(code, reason));
    state_ = State::closing;
  }

  /// Ends the connection with a close frame, without waiting for the client's (RFC 6455 section
  /// 7.1.7).
  template <class Owner>
  void fail(CloseCode code, Owner&& owner) {
    if (!is_live()) return;
    if (is_open()) owner.send(net::make_close_frame(code, {}));
    state_ = State::ended;
    owner.on_end();
  }

  /// The socket is closed, or its time is over.
  void end() noexcept {
    if (was_opened()) state_ = State::ended;
  }
  void give_back_parser(FrameParserPool& parsers) noexcept {
    if (parser_) parsers.give_back(std::move(parser_));
  }

  /// True once after `open`: the caller reports the end now.
  [[nodiscard]] bool take_close_report() noexcept {
    return was_opened() && !std::exchange(close_reported_, true);
  }

  /// Notes that a message was refused because too much is unwritten, and its sender waits for room.
  void await_room() noexcept { awaits_room_ = true; }
  [[nodiscard]] bool awaits_room() const noexcept { return awaits_room_; }
  void forget_room() noexcept { awaits_room_ = false; }

 private:
  enum class State : std::uint8_t { before, open, closing, ended };

  template <class Owner>
  void on_item(const net::FrameParser::Item& item, Owner&& owner) {
    using Kind = net::FrameParser::Kind;
    switch (item.kind) {
      case Kind::text:
        if (is_open()) owner.on_message(item.payload);
        break;
      case Kind::binary:
        if (is_open()) owner.on_binary(item.payload);
        break;
      case Kind::ping:
        if (is_open()) owner.on_control();
        // A client that pings and never reads may not fill our memory with pongs.
        if (is_open() && owner.has_room())
          owner.send(net::make_frame(net::Opcode::pong, item.payload));
        break;
      case Kind::pong:
        if (is_open()) owner.on_pong();
        if (is_open()) owner.on_control();
        break;
      case Kind::close:
        if (is_open()) owner.send(net::make_frame(net::Opcode::close, item.payload));
        state_ = State::ended;
        owner.on_end();
        break;
      case Kind::refused:
        fail(item.code, owner);
        break;
      case Kind::none:
        break;
    }
  }

  State state_ = State::before;
  bool close_reported_ = false;
  bool awaits_room_ = false;
  net::DeflateTerms deflate_;
  std::unique_ptr<net::FrameParser> parser_;  // Within a message only.
};

}  // namespace ordercast::asio
