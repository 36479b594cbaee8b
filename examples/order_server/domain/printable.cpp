// SPDX-License-Identifier: MIT
#include "domain/printable.hpp"

#include <ordercast/detail/utf8.hpp>

#include <cstdint>

namespace order_server {
namespace {

/// Returns the code point of a well-formed sequence.
std::uint32_t code_point(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence.front());
  if (sequence.size() == 1) return first;
  std::uint32_t point = first & (0x7FU >> sequence.size());
  for (const char byte : sequence.substr(1)) {
    point = (point << 6U) | (static_cast<unsigned char>(byte) & 0x3FU);
  }
  return point;
}

bool is_printable(std::uint32_t point) {
  const auto within = [point](std::uint32_t first, std::uint32_t last) {
    return point >= first && point <= last;
  };
  const bool is_control = point < 0x20 || within(0x7F, 0x9F);
  const bool is_separator = within(0x2028, 0x2029);
  const bool turns_direction =
      point == 0x061C || within(0x200E, 0x200F) || within(0x202A, 0x202E) || within(0x2066, 0x2069);
  return !is_control && !is_separator && !turns_direction && point != 0xFEFF;
}

void append_escaped(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    out.append({'\\', 'x', digits[value >> 4U], digits[value & 15U]});
  }
}

std::string escaped(std::string_view text, std::size_t most, std::string_view backslash) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = ordercast::detail::utf8_sequence(text.substr(at));
    const auto piece = text.substr(at, length == 0 ? 1 : length);
    if (at + piece.size() > most) return out + "...";
    if (piece == "\\") {
      out += backslash;
    } else if (length > 0 && is_printable(code_point(piece))) {
      out += piece;
    } else {
      append_escaped(out, piece);
    }
    at += piece.size();
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text, std::size_t most) {
  return escaped(text, most, "\\\\");
}

std::string one_line(std::string_view message, std::size_t most) {
  return escaped(message, most, "\\");
}

}  // namespace order_server
