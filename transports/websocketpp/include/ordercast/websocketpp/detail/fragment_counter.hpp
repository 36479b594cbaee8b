// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

/// Finds frames that websocketpp does not report. Fragments that have no payload and end no
/// message are counted: websocketpp accepts any number of them, and each costs time. So are
/// fragments with RSV1, which belongs on a message's first frame alone (RFC 7692 section 6.1).
///
/// Reads headers only (RFC 6455 section 5.2) and skips payloads; linear in the frames. websocketpp
/// handles protocol errors. One thread at a time.
namespace ordercast::websocketpp::detail {

class FragmentCounter {
 public:
  /// The frames start with these bytes; earlier bytes are not read.
  void start(std::string_view bytes) noexcept {
    state_ = State::reading;
    read(bytes);
  }
  /// Reads the bytes that follow those of the last call.
  void read(std::string_view bytes) noexcept {
    if (state_ == State::before) return;
    while (!bytes.empty()) {
      if (skip_ > 0) {
        const auto skipped = std::min<std::uint64_t>(skip_, bytes.size());
        skip_ -= skipped;
        bytes.remove_prefix(static_cast<std::size_t>(skipped));
        continue;
      }
      header_[size_++] = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      if (size_ < 2 || size_ < header_bytes()) continue;
      const bool final = (header_[0] & 0x80U) != 0;
      const bool control = (header_[0] & 0x08U) != 0;
      if ((header_[0] & 0x4FU) == 0x40U) state_ = State::bad_rsv1;
      skip_ = payload_bytes();
      size_ = 0;
      if (control) continue;
      if (final) in_message_ = 0;
      if (skip_ == 0 && !final) {
        ++untold_;
        ++in_message_;
      }
    }
  }

  /// Whether `take` has some, or `has_bad_rsv1` is true.
  [[nodiscard]] bool has_news() const noexcept { return untold_ > 0 || has_bad_rsv1(); }

  /// How many such fragments have come since the last call.
  [[nodiscard]] std::size_t take() noexcept { return std::exchange(untold_, 0U); }

  /// Whether a fragment behind the first of a message has had RSV1.
  [[nodiscard]] bool has_bad_rsv1() const noexcept { return state_ == State::bad_rsv1; }

  /// How many of them the current message has.
  [[nodiscard]] std::size_t in_message() const noexcept { return in_message_; }

 private:
  enum class State : std::uint8_t { before, reading, bad_rsv1 };

  [[nodiscard]] unsigned length() const noexcept { return header_[1] & 0x7FU; }
  [[nodiscard]] std::size_t length_bytes() const noexcept {
    return length() == 127 ? 8 : (length() == 126 ? 2 : 0);
  }
  [[nodiscard]] std::size_t header_bytes() const noexcept {
    return 2 + length_bytes() + ((header_[1] & 0x80U) != 0 ? 4 : 0);
  }
  [[nodiscard]] std::uint64_t payload_bytes() const noexcept {
    if (length_bytes() == 0) return length();
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < length_bytes(); ++i) bytes = bytes << 8U | header_[2 + i];
    return bytes;
  }

  // Small members, because each connection has them.
  std::uint64_t skip_ = 0;  // the rest of the payload
  std::uint32_t in_message_ = 0;
  std::uint32_t untold_ = 0;
  std::array<unsigned char, 14> header_{};
  std::uint8_t size_ = 0;  // of the header so far
  State state_ = State::before;
};

}  // namespace ordercast::websocketpp::detail
