// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

/// Tables of the names that an enumeration's values have on the wire, in the database and in
/// tokens. Pure functions; any thread.
namespace order_server {

template <class Enum, std::size_t Size>
using Names = std::array<std::pair<Enum, std::string_view>, Size>;

/// The name of a value; "" if the table lacks it.
template <class Enum, std::size_t Size>
[[nodiscard]] constexpr std::string_view name_in(const Names<Enum, Size>& names,
                                                 Enum wanted) noexcept {
  for (const auto& [value, name] : names) {
    if (value == wanted) return name;
  }
  return "";
}

/// The value with this name; nullopt for any other text (names are case-sensitive).
template <class Enum, std::size_t Size>
[[nodiscard]] constexpr std::optional<Enum> value_in(const Names<Enum, Size>& names,
                                                     std::string_view wanted) noexcept {
  for (const auto& [value, name] : names) {
    if (name == wanted) return value;
  }
  return std::nullopt;
}

}  // namespace order_server
