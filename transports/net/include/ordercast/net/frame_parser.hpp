// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/detail/utf8.hpp>
#include <ordercast/error.hpp>
#include <ordercast/net/frame_head.hpp>
#include <ordercast/net/inflater.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

/// Reads what a client sends after its handshake, strictly by RFC 6455 section 5, and RFC 7692
/// where that was agreed on: bytes in, messages and control frames out. The first error gives a
/// close code.
///
/// No I/O; one thread at a time; linear in the bytes. A message that arrives in one piece is
/// unmasked in place and never copied. `idle` says that there is nothing to remember, so a
/// connection between two messages needs no parser of its own.
///
///     Input input{bytes, count};
///     for (;;) {
///       const auto item = parser.next(input);
///       if (item.kind == FrameParser::Kind::none) break;  // all of the input is taken
///       ...
///     }
namespace ordercast::net {

/// Bytes to read. They are taken from the front, and changed, because unmasking is done in place.
struct Input {
  char* data = nullptr;
  std::size_t size = 0;

  char* take(std::size_t count) noexcept {
    auto* const front = data;
    data += count;
    size -= count;
    return front;
  }
};

struct FrameParserOptions {
  std::size_t max_message_bytes = 4 * 1024;
  bool accept_binary = false;  ///< False: a binary frame is refused with 1003.
};

class FrameParser {
 public:
  enum class Kind : std::uint8_t {
    none,    ///< More bytes are needed.
    text,    ///< A whole message, valid UTF-8.
    binary,  ///< A whole message; only with `accept_binary`.
    ping,
    pong,
    close,    ///< `payload` is what to answer with: the code in two bytes, or nothing.
    refused,  ///< The stream broke a rule; `code` says which. It stays refused.
  };

  struct Item {
    Kind kind = Kind::none;
    std::string_view payload;  ///< Until the next call.
    CloseCode code = CloseCode::normal;
  };

  /// How many fragments without payload one message may have. They cost no memory, but time.
  static constexpr unsigned max_empty_fragments = 128;

  explicit FrameParser(FrameParserOptions options = {}) noexcept : options_(options) {}

  /// Reads compressed messages too, from now until `reset`. A message is inflated when all of it
  /// has come, with the inflater of this thread.
  void accept_deflated() noexcept { accepts_deflated_ = true; }

  /// Returns the next item in the input, or `none` when all of it is taken.
  [[nodiscard]] Item next(Input& input) {
    if (refused_ != CloseCode::normal) return {Kind::refused, {}, refused_};
    if (delivered_) {
      delivered_ = false;
      message_.clear();
    }
    for (;;) {
      if (!in_payload_) {
        if (!take_header(input)) return {};
        if (refused_ != CloseCode::normal) return {Kind::refused, {}, refused_};
      }
      const auto item = is_control() ? take_control(input) : take_data(input);
      if (item.kind != Kind::none || in_payload_) return item;
    }
  }

  /// How many fragments that have no payload and end no message have come since the last call.
  [[nodiscard]] unsigned take_empty_fragments() noexcept {
    return std::exchange(uncounted_fragments_, 0U);
  }

  /// True between messages, where a new parser could take over.
  [[nodiscard]] bool idle() const noexcept {
    return header_size_ == 0 && !in_payload_ && message_opcode_ == Opcode::continuation &&
           refused_ == CloseCode::normal;
  }

  /// Forgets everything, and keeps at most `keep_bytes` of memory for the next message.
  void reset(std::size_t keep_bytes = 4 * 1024) noexcept {
    auto kept = std::move(message_);
    kept.clear();
    *this = FrameParser(options_);
    if (kept.capacity() <= keep_bytes) message_ = std::move(kept);
  }

 private:
  [[nodiscard]] bool is_control() const noexcept {
    return (static_cast<unsigned>(opcode_) & 0x8U) != 0;
  }
  [[nodiscard]] unsigned header_byte(std::size_t at) const noexcept {
    return static_cast<unsigned char>(header_[at]);
  }

  Item refuse(CloseCode code) noexcept {
    refused_ = code;
    return {Kind::refused, {}, code};
  }

  // The header
  // -------------------------------------------------------------------------------------

  /// Returns false while the header is incomplete.
  bool take_header(Input& input) {
    while (header_size_ < header_needs()) {
      const auto count = (std::min)(header_needs() - header_size_, input.size);
      if (count == 0) return false;
      std::memcpy(header_.data() + header_size_, input.take(count), count);
      header_size_ += count;
      if (header_size_ == 2) check_first_two();
      if (refused_ != CloseCode::normal) return true;
    }
    start_payload();
    return true;
  }

  [[nodiscard]] std::size_t header_needs() const noexcept {
    if (header_size_ < 2) return 2;
    return 2 + length_bytes() + mask_.size();
  }
  [[nodiscard]] std::size_t length_bytes() const noexcept {
    const auto length = header_byte(1) & 0x7FU;
    return length == 127 ? 8 : (length == 126 ? 2 : 0);
  }

  void check_first_two() noexcept {
    const bool final = (header_byte(0) & 0x80U) != 0;
    const bool reserved = (header_byte(0) & 0x30U) != 0;
    const bool deflated = (header_byte(0) & 0x40U) != 0;
    const bool masked = (header_byte(1) & 0x80U) != 0;
    const auto opcode = static_cast<Opcode>(header_byte(0) & 0x0FU);
    const bool in_message = message_opcode_ != Opcode::continuation;
    bool good = !reserved && masked && (!deflated || accepts_deflated_);
    switch (opcode) {
      case Opcode::continuation:
        good = good && in_message && !deflated;
        break;
      case Opcode::text:
      case Opcode::binary:
        good = good && !in_message;
        is_deflated_ = deflated;
        break;
      case Opcode::close:
      case Opcode::ping:
      case Opcode::pong:
        good = good && final && !deflated && (header_byte(1) & 0x7FU) <= 125;
        break;
      default:
        good = false;
    }
    if (!good) {
      refuse(CloseCode::protocol_error);
    } else if (opcode == Opcode::binary && !options_.accept_binary) {
      refuse(CloseCode::unsupported_data);
    }
    opcode_ = opcode;
    final_ = final;
  }

  void start_payload() noexcept {
    const auto extended = length_bytes();
    std::uint64_t length = header_byte(1) & 0x7FU;
    if (extended > 0) {
      length = 0;
      for (std::size_t i = 0; i < extended; ++i) length = (length << 8U) | header_byte(2 + i);
      const std::uint64_t least = extended == 2 ? 126 : 0x10000;
      if (length < least || length >> 63U != 0) {
        refuse(CloseCode::protocol_error);
        return;
      }
    }
    std::copy_n(header_.begin() + static_cast<std::ptrdiff_t>(2 + extended), mask_.size(),
                mask_.begin());
    mask_at_ = 0;
    header_size_ = 0;
    if (!is_control()) {
      if (length > most_bytes() - message_.size()) {
        refuse(CloseCode::message_too_big);
        return;
      }
      if (length == 0 && !final_) {
        ++uncounted_fragments_;
        if (++empty_fragments_ > max_empty_fragments) {
          refuse(CloseCode::policy_violation);
          return;
        }
      }
      if (opcode_ != Opcode::continuation) message_opcode_ = opcode_;
    }
    remaining_ = static_cast<std::size_t>(length);
    in_payload_ = true;
  }

  // The payload
  // ------------------------------------------------------------------------------------

  /// The next piece of the payload, unmasked in place.
  std::string_view take_piece(Input& input) noexcept {
    const auto count = (std::min)(remaining_, input.size);
    char* const piece = input.take(count);
    std::array<char, 8> pattern{};
    for (std::size_t i = 0; i < pattern.size(); ++i) pattern[i] = mask_[(mask_at_ + i) % 4];
    std::uint64_t mask_word = 0;
    std::memcpy(&mask_word, pattern.data(), sizeof mask_word);
    std::size_t at = 0;
    for (; at + sizeof mask_word <= count; at += sizeof mask_word) {
      std::uint64_t word = 0;
      std::memcpy(&word, piece + at, sizeof word);
      word ^= mask_word;
      std::memcpy(piece + at, &word, sizeof word);
    }
    for (; at < count; ++at) piece[at] = static_cast<char>(piece[at] ^ pattern[at % 8]);
    mask_at_ = (mask_at_ + count) % 4;
    remaining_ -= count;
    return {piece, count};
  }

  Item take_control(Input& input) noexcept {
    const auto piece = take_piece(input);
    std::string_view payload = piece;
    if (remaining_ > 0 || control_size_ > 0) {
      if (!piece.empty()) std::memcpy(control_.data() + control_size_, piece.data(), piece.size());
      control_size_ += piece.size();
      payload = {control_.data(), control_size_};
    }
    if (remaining_ > 0) return {};
    in_payload_ = false;
    control_size_ = 0;
    switch (opcode_) {
      case Opcode::ping:
        return {Kind::ping, payload, CloseCode::normal};
      case Opcode::pong:
        return {Kind::pong, payload, CloseCode::normal};
      default:
        return closing(payload);
    }
  }

  Item closing(std::string_view payload) noexcept {
    if (payload.empty()) return {Kind::close, {}, CloseCode::normal};
    if (payload.size() == 1) return refuse(CloseCode::protocol_error);
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(payload[i]); };
    const auto code = static_cast<unsigned>(byte(0)) << 8U | byte(1);
    if (!may_be_sent(code)) return refuse(CloseCode::protocol_error);
    if (!ordercast::detail::is_utf8(payload.substr(2))) return refuse(CloseCode::invalid_payload);
    return {Kind::close, payload.substr(0, 2), static_cast<CloseCode>(code)};
  }

  /// RFC 6455 section 7.4, and IANA's registry.
  static bool may_be_sent(unsigned code) noexcept {
    if (code >= 3000) return code <= 4999;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
  }

  Item take_data(Input& input) {
    const bool whole =
        opcode_ != Opcode::continuation && final_ && message_.empty() && input.size >= remaining_;
    const auto piece = take_piece(input);
    if (whole) return is_deflated_ ? inflate(piece) : finish_message(piece);
    if (message_.size() + piece.size() > message_.capacity()) grow(message_.size() + piece.size());
    message_.append(piece);
    if (message_opcode_ == Opcode::text && !is_deflated_ && !still_utf8()) {
      return refuse(CloseCode::invalid_payload);
    }
    if (remaining_ > 0) return {};
    if (final_) return is_deflated_ ? inflate(message_) : finish_message(message_);
    in_payload_ = false;
    return {};
  }

  /// Of a message as it comes over the wire.
  [[nodiscard]] std::size_t most_bytes() const noexcept {
    return is_deflated_ ? Inflater::most_compressed(options_.max_message_bytes)
                        : options_.max_message_bytes;
  }

  /// Never beyond a message's limit.
  void grow(std::size_t least) {
    message_.reserve((std::max)(least, (std::min)(2 * least, most_bytes())));
  }

  /// The end of a compressed message.
  Item inflate(std::string_view compressed) {
    using Outcome = Inflater::Outcome;
    std::string plain;
    const auto outcome =
        Inflater::of_this_thread().inflate(compressed, options_.max_message_bytes, plain);
    if (outcome != Outcome::done) return refuse(close_code(outcome));
    message_ = std::move(plain);
    return finish_message(message_);
  }

  /// Fails at the first byte that can't be part of UTF-8. A character may be cut at the end of a
  /// piece.
  bool still_utf8() noexcept {
    const auto rest = std::string_view(message_).substr(valid_bytes_);
    valid_bytes_ += ordercast::detail::utf8_valid_prefix(rest);
    return may_continue(std::string_view(message_).substr(valid_bytes_));
  }

  /// Whether an incomplete text could become a well-formed character, or is empty.
  static bool may_continue(std::string_view start) noexcept {
    if (start.empty()) return true;
    if (start.size() > 3) return false;
    std::array<char, 4> full{'\x80', '\x80', '\x80', '\x80'};
    std::copy(start.begin(), start.end(), full.begin());
    if (start.size() == 1 && start[0] == '\xE0') full[1] = '\xA0';
    if (start.size() == 1 && start[0] == '\xF0') full[1] = '\x90';
    return ordercast::detail::utf8_sequence({full.data(), full.size()}) > start.size();
  }

  Item finish_message(std::string_view message) noexcept {
    const bool text = message_opcode_ == Opcode::text;
    if (text && !ordercast::detail::is_utf8(message.substr(valid_bytes_))) {
      return refuse(CloseCode::invalid_payload);
    }
    in_payload_ = false;
    message_opcode_ = Opcode::continuation;
    empty_fragments_ = 0;
    valid_bytes_ = 0;
    delivered_ = true;
    return {text ? Kind::text : Kind::binary, message, CloseCode::normal};
  }

  FrameParserOptions options_;
  CloseCode refused_ = CloseCode::normal;
  bool in_payload_ = false;
  bool final_ = false;
  bool accepts_deflated_ = false;
  bool is_deflated_ = false;                      // The message.
  bool delivered_ = false;                        // `message_` was handed out by the last call.
  Opcode opcode_ = Opcode::continuation;          // Of the frame.
  Opcode message_opcode_ = Opcode::continuation;  // Of the message; continuation: there is none.
  std::array<char, 14> header_{};
  std::array<char, 4> mask_{};
  std::array<char, 125> control_{};
  std::size_t header_size_ = 0;
  std::size_t control_size_ = 0;
  std::size_t mask_at_ = 0;
  std::size_t remaining_ = 0;     // Of the frame's payload.
  std::size_t valid_bytes_ = 0;   // Of `message_`, known to be UTF-8.
  unsigned empty_fragments_ = 0;  // Of this message.
  unsigned uncounted_fragments_ = 0;
  std::string message_;
};

}  // namespace ordercast::net
