// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/error.hpp>

#ifdef ORDERCAST_HAS_ZLIB
#include <zlib.h>
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>

/// Decompresses whole messages of permessage-deflate (RFC 7692 section 7.2.2) whose sender keeps
/// no context.
///
/// Never writes more than one byte beyond the limit, whatever the message claims. Linear in the
/// message and the limit, with a bound on what costs more than its bytes. One for each thread,
/// about 40 KiB from its first message on; no connection has its own.
namespace ordercast::net {

class Inflater {
 public:
  enum class Outcome : std::uint8_t {
    done,
    too_big,          ///< Longer than the limit.
    too_many_blocks,  ///< A block without content is a few bytes, and work for hundreds.
    corrupt,          ///< Not what DEFLATE (RFC 1951) makes, or cut off.
  };

  /// A compressor makes one block of several thousand symbols, and one more for each flush.
  static constexpr unsigned max_blocks = 128;

  Inflater() = default;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// The one of this thread.
  [[nodiscard]] static Inflater& of_this_thread() {
    thread_local Inflater inflater;
    return inflater;
  }

  /// The longest compressed form of a message that is worth reading: what a compressor makes of
  /// bytes that can't be compressed, with room for flushes between.
  [[nodiscard]] static constexpr std::size_t most_compressed(std::size_t plain) noexcept {
    const auto longer = plain + plain / 8 + 64;
    return longer < plain ? plain : longer;
  }

#ifdef ORDERCAST_HAS_ZLIB
  ~Inflater() {
    if (is_ready_) ::inflateEnd(&stream_);
  }

  /// `plain` gets the message, if it is at most `limit` bytes; else it is of no use. Throws
  /// std::bad_alloc.
  [[nodiscard]] Outcome inflate(std::string_view compressed, std::size_t limit,
                                std::string& plain) {
    start();
    limit_ = limit;
    filled_ = 0;
    blocks_ = 0;
    is_between_blocks_ = false;
    constexpr std::string_view tail("\x00\x00\xFF\xFF", 4);  // The sender has cut it off.
    for (const auto piece : {compressed, tail}) {
      const auto outcome = take(piece, plain);
      if (outcome != Outcome::done) return outcome;
    }
    plain.resize(filled_);
    return is_between_blocks_ ? Outcome::done : Outcome::corrupt;
  }

 private:
  /// Begins a stream without memory of the last one.
  void start() {
    if (is_ready_) {
      ::inflateReset(&stream_);
      return;
    }
    // The largest window reads what was written with any.
    if (::inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
    is_ready_ = true;
  }

  [[nodiscard]] Outcome take(std::string_view piece, std::string& plain) {
    // zlib only reads, but has no const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      grow(plain);
      stream_.next_out = reinterpret_cast<Bytef*>(plain.data() + filled_);
      stream_.avail_out = static_cast<uInt>(plain.size() - filled_);
      const int result = ::inflate(&stream_, Z_BLOCK);
      filled_ = plain.size() - stream_.avail_out;
      if (filled_ > limit_) return Outcome::too_big;
      if (result == Z_BUF_ERROR) return Outcome::done;  // Nothing left to read or to write.
      if (result == Z_MEM_ERROR) throw std::bad_alloc();
      if (result != Z_OK && result != Z_STREAM_END) return Outcome::corrupt;
      is_between_blocks_ = result == Z_STREAM_END || (stream_.data_type & at_block_end) != 0;
      if (is_between_blocks_ && ++blocks_ > max_blocks) return Outcome::too_many_blocks;
      // A last block need not be the message's end (RFC 7692 section 7.2.3.4).
      if (result == Z_STREAM_END) ::inflateReset(&stream_);
    } while (stream_.avail_in > 0 || stream_.avail_out == 0);
    return Outcome::done;
  }

  /// Makes room for at least one byte, up to one beyond the limit.
  void grow(std::string& plain) const {
    if (filled_ < plain.size()) return;
    const auto wanted = std::max<std::size_t>(2 * filled_, 1024);
    plain.resize(limit_ < wanted ? limit_ + 1 : wanted);
  }

  static constexpr int at_block_end = 128;  // zlib.h, of `data_type` with Z_BLOCK.

  z_stream stream_{};
  bool is_ready_ = false;
  bool is_between_blocks_ = false;
  unsigned blocks_ = 0;
  std::size_t filled_ = 0;
  std::size_t limit_ = 0;
#else
  ~Inflater() = default;

  [[nodiscard]] Outcome inflate(std::string_view /*compressed*/, std::size_t /*limit*/,
                                std::string& /*plain*/) {
    return Outcome::corrupt;
  }
#endif
};

/// What to close with. RFC 7692 names no code; data that is not what it should be is 1007.
[[nodiscard]] constexpr CloseCode close_code(Inflater::Outcome outcome) noexcept {
  switch (outcome) {
    case Inflater::Outcome::too_big:
      return CloseCode::message_too_big;
    case Inflater::Outcome::too_many_blocks:
      return CloseCode::policy_violation;
    case Inflater::Outcome::corrupt:
      return CloseCode::invalid_payload;
    case Inflater::Outcome::done:
      break;
  }
  return CloseCode::normal;
}

}  // namespace ordercast::net
