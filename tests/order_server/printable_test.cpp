// SPDX-License-Identifier: MIT
#include "domain/printable.hpp"

#include "store/push_store.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

namespace order_server {

TEST_CASE("printable text is logged as it is", "[printable]") {
  for (const char* text : {"", "o-1", "Tea, 2 x 250 g", "Käse \xE2\x82\xAC 5 \xF0\x9F\x8D\x8F"}) {
    CHECK(printable(text) == text);
  }
}

TEST_CASE("nothing unprintable gets into a log line", "[printable]") {
  for (int byte = 0; byte < 0x20; ++byte) {
    const auto line = printable(std::string("a") + static_cast<char>(byte) + "b");
    CHECK(line.size() == 6);
    CHECK(line.substr(0, 3) == "a\\x");
  }
  const std::vector<std::pair<std::string, std::string>> cases{
      {"a\nERROR b", "a\\x0AERROR b"},
      {"\x1B[2J", "\\x1B[2J"},
      {"\x7F", "\\x7F"},
      {"\xC2\x9B", "\\xC2\\x9B"},           // CSI as one character
      {"\xE2\x80\xA8", "\\xE2\\x80\\xA8"},  // line separator
      // Right-to-left override, as bytes that the linter does not take for one.
      {std::string{'\xE2', '\x80', '\xAE'}, "\\xE2\\x80\\xAE"},
      {"\xEF\xBB\xBF", "\\xEF\\xBB\\xBF"},  // byte order mark
      {"\xFFz\xC3", "\\xFFz\\xC3"},         // no UTF-8, cut off
      {"\xC0\x8A", "\\xC0\\x8A"},           // an overlong line feed
      {"\xED\xA0\x80", "\\xED\\xA0\\x80"},  // half a pair
      {"\\x0A", "\\\\x0A"}};
  for (const auto& [text, line] : cases) {
    INFO(line);
    CHECK(printable(text) == line);
  }
}

TEST_CASE("a long text is cut between characters", "[printable]") {
  CHECK(printable(std::string(300, 'a')) == std::string(256, 'a') + "...");
  CHECK(printable("ab\xE2\x82\xAC", 4) == "ab...");
  CHECK(printable("ab\xE2\x82\xAC", 5) == "ab\xE2\x82\xAC");
}

TEST_CASE("a token of an older program brings nothing unprintable into a log", "[printable]") {
  CHECK(abbreviated(std::string("a\n\x1B[2J") + std::string(30, 'z')) == "a\\x0A\\x1B[2J...");
  CHECK(abbreviated("a\nb") == "(3 bytes)");
}

}  // namespace order_server
