// SPDX-License-Identifier: MIT
#pragma once

#include <zlib.h>

#include <optional>
#include <string>
#include <string_view>

/// Messages of permessage-deflate, by zlib alone: a test that shared the server's code would share
/// its faults.
namespace ordercast::test {

/// A whole message, as RFC 7692 section 7.2.1 has it. `before` is a message that its sender still
/// has in the window, against what was agreed on.
inline std::string raw_deflate(std::string_view plain, int level = 6, int window_bits = 15,
                               std::string_view before = {}) {
  z_stream stream{};
  ::deflateInit2(&stream, level, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY);
  if (!before.empty()) {
    ::deflateSetDictionary(&stream, reinterpret_cast<const Bytef*>(before.data()),
                           static_cast<uInt>(before.size()));
  }
  std::string out(2 * plain.size() + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_SYNC_FLUSH);
  const auto size = out.size() - stream.avail_out;
  ::deflateEnd(&stream);
  // zlib flushes nothing for an empty message; section 7.2.3.6 has its one byte.
  return size < 4 ? std::string(1, '\0') : out.substr(0, size - 4);
}

/// Nothing if it is corrupt or not whole. `window_bits` from 8 to 15 is what the reader keeps.
inline std::optional<std::string> raw_inflate(std::string compressed, int window_bits = 15) {
  compressed.append("\x00\x00\xFF\xFF", 4);
  z_stream stream{};
  ::inflateInit2(&stream, -window_bits);
  stream.next_in = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string out;
  bool is_whole = false;  // The last block has its end.
  int result = Z_OK;
  while (result == Z_OK) {
    char piece[64];  // NOLINT(modernize-avoid-c-arrays): short, so that the window is what is kept
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    result = ::inflate(&stream, Z_SYNC_FLUSH);
    out.append(piece, sizeof piece - stream.avail_out);
    if (result == Z_OK) is_whole = (stream.data_type & 128) != 0;
  }
  const bool all_read = stream.avail_in == 0;
  ::inflateEnd(&stream);
  if (result != Z_BUF_ERROR || !all_read || !is_whole) return std::nullopt;
  return out;
}

/// A text of `size` bytes that looks like an order: names repeat, values don't.
inline std::string order_like(std::size_t size) {
  std::string text = R"({"id":"o-1","items":[)";
  for (unsigned i = 0; text.size() < size; ++i) {
    text += R"({"id":")" + std::to_string(i * 2654435761U) + R"(","name":"Item )" +
            std::to_string(i * 40503U) + R"(","quantity":1},)";
  }
  text.resize(size);
  return text;
}

/// A text of `size` bytes that no compressor can shorten.
inline std::string noise(std::size_t size) {
  std::string text;
  unsigned state = 1;
  while (text.size() < size) {
    state = state * 1664525U + 1013904223U;
    text.push_back(static_cast<char>(state >> 24U));
  }
  return text;
}

/// A client's frame as a compressed message's first.
inline std::string with_rsv1(std::string frame) {
  frame[0] = static_cast<char>(frame[0] | 0x40);
  return frame;
}

}  // namespace ordercast::test
