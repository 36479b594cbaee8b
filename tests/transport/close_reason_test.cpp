// SPDX-License-Identifier: MIT
#include <ordercast/net/close_reason.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using ordercast::net::cut_close_reason;

TEST_CASE("a reason that fits is left as it is", "[close_reason]") {
  CHECK(cut_close_reason("").empty());
  const std::string longest(123, 'x');
  CHECK(cut_close_reason(longest) == longest);
}

TEST_CASE("a longer one is cut, and never within a character", "[close_reason]") {
  CHECK(cut_close_reason(std::string(124, 'x')) == std::string(123, 'x'));
  for (const std::string_view character : {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    for (std::size_t before = 119; before <= 123; ++before) {
      CAPTURE(character, before);
      const auto start = std::string(before, 'x');
      const auto text = start + std::string(character) + "and more of it";
      const bool fits = before + character.size() <= 123;
      const auto cut = std::string(cut_close_reason(text));
      CHECK((fits ? cut.substr(0, before + character.size()) == start + std::string(character)
                  : cut == start));
    }
  }
}
