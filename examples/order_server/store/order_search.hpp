// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

/// What the text of a search means to a database. Pure; any thread.
namespace order_server {

/// How many orders a page holds, whatever is asked for.
[[nodiscard]] constexpr std::int64_t sane_page_size(std::int64_t wanted) noexcept {
  constexpr std::int64_t most = 1'000'000;
  return wanted < 1 ? 1 : wanted > most ? most : wanted;
}

/// `text` as a part of a pattern of LIKE with ESCAPE '\': its wildcards stand for themselves.
[[nodiscard]] inline std::string like_literal(std::string_view text) {
  std::string literal;
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') literal += '\\';
    literal += c;
  }
  return literal;
}

/// The words of a search, each of which has to fit. What stands behind the last one that is told
/// apart is a part of it.
[[nodiscard]] inline std::vector<std::string> words_of(std::string_view text) {
  constexpr std::size_t most_words = 8;
  constexpr std::string_view blanks = " \t";
  std::vector<std::string> words;
  while (true) {
    const auto start = text.find_first_not_of(blanks);
    if (start == std::string_view::npos) return words;
    text.remove_prefix(start);
    const bool is_last = words.size() + 1 == most_words;
    const auto end = is_last ? std::string_view::npos : text.find_first_of(blanks);
    words.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return words;
    text.remove_prefix(end);
  }
}

/// The number in "1042" or "#1042"; nothing for any other text.
[[nodiscard]] inline std::optional<std::int64_t> order_number_in(std::string_view text) noexcept {
  if (!text.empty() && text.front() == '#') text.remove_prefix(1);
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < 1) return std::nullopt;
  return number;
}

/// ASCII letters in lower case, as ids are made.
[[nodiscard]] inline std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace order_server
