// SPDX-License-Identifier: MIT
#pragma once

#ifdef ORDERCAST_HAS_ZLIB
#include <zlib.h>
#endif

#include <cstddef>
#include <new>
#include <string>
#include <string_view>

/// Compresses whole messages for permessage-deflate (RFC 7692 section 7.2.1), each by itself.
///
/// Linear in the message. One for each thread, about 40 KiB from its first message on; no
/// connection has its own.
namespace ordercast::net {

class Deflater {
 public:
  /// Shorter messages stay as they are: a hint of 95 bytes would shrink by 5.
  static constexpr std::size_t least_bytes = 256;

  /// Longer ones too: what they would cost keeps an I/O thread from its other clients.
  static constexpr std::size_t most_bytes = 1024 * 1024;

  /// No reference in what this makes reaches farther back than 2 to this power.
  static constexpr int window_bits = 12;

  Deflater() = default;
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  /// The one of this thread.
  [[nodiscard]] static Deflater& of_this_thread() {
    thread_local Deflater deflater;
    return deflater;
  }

#ifdef ORDERCAST_HAS_ZLIB
  ~Deflater() {
    if (is_ready_) ::deflateEnd(&stream_);
  }

  /// Returns false, and the message should be sent as it is, if it is short, if it shrinks by less
  /// than an eighth, and without memory.
  [[nodiscard]] bool deflate(std::string_view plain, std::string& compressed) noexcept {
    if (plain.size() < least_bytes || plain.size() > most_bytes) return false;
    try {
      start();
      compressed.resize(plain.size() - plain.size() / 8 + tail_bytes);
    } catch (...) {
      return false;
    }
    // zlib only reads, but has no const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream_.avail_in = static_cast<uInt>(plain.size());
    stream_.next_out = reinterpret_cast<Bytef*>(compressed.data());
    stream_.avail_out = static_cast<uInt>(compressed.size());
    if (::deflate(&stream_, Z_SYNC_FLUSH) != Z_OK || stream_.avail_out == 0) return false;
    compressed.resize(compressed.size() - stream_.avail_out - tail_bytes);
    return true;
  }

 private:
  void start() {
    if (is_ready_) {
      ::deflateReset(&stream_);
      return;
    }
    if (::deflateInit2(&stream_, level, Z_DEFLATED, -window_bits, memory_level,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
    is_ready_ = true;
  }

  // By measurement: docs/adr/0012-compression.md.
  static constexpr int level = 6;
  static constexpr int memory_level = 5;
  static constexpr std::size_t tail_bytes = 4;  // 00 00 FF FF ends each flush; it is not sent.

  z_stream stream_{};
  bool is_ready_ = false;
#else
  ~Deflater() = default;

  [[nodiscard]] bool deflate(std::string_view /*plain*/, std::string& /*compressed*/) noexcept {
    return false;
  }
#endif
};

}  // namespace ordercast::net
