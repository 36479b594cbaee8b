// SPDX-License-Identifier: MIT
// UTF-8 against a decoder that is written from the table of RFC 3629 section 4, code point by code
// point.
#include "fuzz/fuzz.hpp"
#include <ordercast/detail/utf8.hpp>

#include <string>
#include <string_view>

namespace {

/// The bytes of a code point.
std::string encoded(std::uint32_t point) {
  const auto tail = [&](unsigned shift) {
    return static_cast<char>(0x80U | ((point >> shift) & 0x3FU));
  };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xC0U | (point >> 6U)), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xE0U | (point >> 12U)), tail(6), tail(0)};
  return {static_cast<char>(0xF0U | (point >> 18U)), tail(12), tail(6), tail(0)};
}

/// The length of the sequence at the start, 0 if there is none: decoded, then encoded again, which
/// shows whatever is overlong.
std::size_t naive_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() < length) return 0;
  std::uint32_t point = length == 1 ? first : first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
    point = point << 6U | (byte(i) & 0x3FU);
  }
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  return !surrogate && point <= 0x10FFFF && encoded(point) == text.substr(0, length) ? length : 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ordercast::detail;  // NOLINT(google-build-using-namespace)
  using ordercast::fuzz::require;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t good = 0;
  while (good < text.size()) {
    const auto length = naive_sequence(text.substr(good));
    require(utf8_sequence(text.substr(good)) == length, "utf8_sequence");
    if (length == 0) break;
    good += length;
  }
  require(utf8_valid_prefix(text) == good, "utf8_valid_prefix");
  require(is_utf8(text) == (good == text.size()), "is_utf8");
  const auto repaired = utf8_repaired(text);
  require(is_utf8(repaired), "what is repaired is valid");
  require(repaired.size() <= 3 * text.size(), "what is repaired is bounded");
  if (good == text.size()) require(repaired == text, "what is valid stays as it is");
  require(utf8_repaired(repaired) == repaired, "repairing twice is repairing once");
  return 0;
}
