// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/handshake.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ordercast::net {

/// Decodes a chunked body (RFC 9112 section 7.1) as strictly as RequestParser reads the rest: lines
/// end with CR LF, and sizes are plain hexadecimal digits, followed by a chunk extension or
/// nothing. Drops extensions and trailer fields.
///
/// No I/O. One thread at a time. O(bytes).
class ChunkedDecoder {
 public:
  ChunkedDecoder() = default;
  /// `max_extra_bytes` bounds everything except the body: size lines, extensions, trailers. It does
  /// not count the bytes that a chunk for each byte of the body needs.
  ChunkedDecoder(std::size_t max_body_bytes, std::size_t max_extra_bytes)
      : max_body_bytes_(max_body_bytes), max_extra_bytes_(max_extra_bytes) {}

  /// Takes bytes and appends the body's to `body`. Returns how many belong to the body and its
  /// framing.
  std::size_t consume(std::string_view bytes, std::string& body) {
    std::size_t taken = 0;
    while (taken < bytes.size() && !complete() && status_ == 0) {
      const auto rest = bytes.substr(taken);
      taken += part_ == Part::data ? take_data(rest, body) : take_line(rest, body.size());
    }
    return taken;
  }

  [[nodiscard]] bool complete() const noexcept { return part_ == Part::done; }
  /// The status with which to refuse the request; 0 if there is no reason to.
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  enum class Part : std::uint8_t { size, data, data_end, trailer, done };

  static constexpr std::size_t max_line_bytes = 4096;
  static constexpr std::size_t max_size_digits = 16;

  std::size_t take_data(std::string_view bytes, std::string& body) {
    const auto count = (std::min)(bytes.size(), left_);
    body.append(bytes.substr(0, count));
    left_ -= count;
    if (left_ == 0) part_ = Part::data_end;
    return count;
  }

  /// A line may arrive in pieces. It ends with CR LF, and neither may occur alone.
  std::size_t take_line(std::string_view bytes, std::size_t body_bytes) {
    const auto newline = bytes.find('\n');
    const auto piece = bytes.substr(0, newline == std::string_view::npos ? newline : newline + 1);
    line_.append(piece);
    if (line_.size() > max_line_bytes) {
      refuse(part_ == Part::trailer ? 431 : 400);
    } else if (newline != std::string_view::npos) {
      if (line_.size() < 2 || line_[line_.size() - 2] != '\r') {
        refuse(400);
      } else {
        on_line(std::string_view(line_).substr(0, line_.size() - 2), body_bytes);
      }
      line_.clear();
    }
    return piece.size();
  }

  void on_line(std::string_view line, std::size_t body_bytes) {
    const bool is_text = std::all_of(line.begin(), line.end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
    });
    if (!is_text) return refuse(400);
    switch (part_) {
      case Part::size:
        return on_size(line, body_bytes);
      case Part::data_end:
        part_ = Part::size;
        if (!line.empty()) refuse(400);
        return;
      default:
        return on_trailer(line);
    }
  }

  void on_size(std::string_view line, std::size_t body_bytes) {
    const auto digits_end = line.find_first_not_of("0123456789abcdefABCDEF");
    const auto digits = line.substr(0, digits_end);
    if (digits.empty() || digits.size() > max_size_digits) return refuse(400);
    // Servers differ on white space after the size.
    const auto rest = line.substr(digits.size());
    const auto extension = ordercast::detail::trim(rest);
    if (!rest.empty() && (extension.empty() || extension.front() != ';')) return refuse(400);
    count_extra(rest.size());
    std::uint64_t size = 0;
    for (const char c : digits) {
      const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
      size = size * 16 + static_cast<unsigned>(digit);
    }
    if (size > max_body_bytes_ - body_bytes) return refuse(413);
    left_ = static_cast<std::size_t>(size);
    part_ = size == 0 ? Part::trailer : Part::data;
  }

  void on_trailer(std::string_view line) {
    if (line.empty()) {
      part_ = Part::done;
      return;
    }
    const auto name = line.substr(0, line.find(':'));
    if (name.empty() || name.size() == line.size() ||
        name.find_first_of(" \t\"(),/;<=>?@[\\]{}") != std::string_view::npos) {
      return refuse(400);
    }
    count_extra(line.size());
  }

  void count_extra(std::size_t bytes) noexcept {
    if (bytes > max_extra_bytes_ - extra_bytes_) return refuse(part_ == Part::trailer ? 431 : 400);
    extra_bytes_ += bytes;
  }

  void refuse(int status) noexcept {
    if (status_ == 0) status_ = status;
  }

  std::size_t max_body_bytes_ = 0;
  std::size_t max_extra_bytes_ = 0;
  std::size_t extra_bytes_ = 0;
  std::size_t left_ = 0;  // Of the chunk.
  std::string line_;
  int status_ = 0;
  Part part_ = Part::size;
};

}  // namespace ordercast::net
