// SPDX-License-Identifier: MIT
#include <ordercast/detail/id_text.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <utility>

using ordercast::detail::IdText;

TEST_CASE("an id is kept whole, whatever its length and bytes", "[id_text]") {
  for (std::size_t size = 0; size <= 128; ++size) {
    std::string text(size, 'x');
    if (size != 0) text[size / 2] = '\0';
    if (size != 0) text.back() = '\xff';
    IdText id{text};
    CHECK(id.view() == text);
    IdText moved(std::move(id));
    CHECK(moved.view() == text);
    IdText assigned{std::string(128 - size, 'y')};
    assigned = std::move(moved);
    CHECK(assigned.view() == text);
    assigned = IdText{};
    CHECK(assigned.view().empty());
  }
}
