// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <string_view>

/// JSON as tests look at it: never throws on what came over a wire, so that a bad answer fails an
/// assertion with its text and not a test with an exception.
namespace ordercast::test {

using Json = nlohmann::json;

/// The parsed text; null when it is not JSON.
[[nodiscard]] inline Json parse_json(std::string_view text) {
  auto parsed = Json::parse(text, nullptr, false);
  return parsed.is_discarded() ? Json() : parsed;
}

/// The names of an object's members; empty for anything else.
[[nodiscard]] inline std::set<std::string> keys_of(const Json& value) {
  std::set<std::string> keys;
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) keys.insert(key);
  }
  return keys;
}

/// A member, or null when `value` is no object or has none of that name.
[[nodiscard]] inline const Json& member(const Json& value, std::string_view name) {
  static const Json null;
  if (!value.is_object()) return null;
  const auto found = value.find(name);
  return found == value.end() ? null : *found;
}

/// A text member; empty when it is missing or no text.
[[nodiscard]] inline std::string text_of(const Json& value, std::string_view name) {
  const auto& found = member(value, name);
  return found.is_string() ? found.get<std::string>() : std::string{};
}

/// An integer member; -1 when it is missing or no integer.
[[nodiscard]] inline long long integer_of(const Json& value, std::string_view name) {
  const auto& found = member(value, name);
  return found.is_number_integer() ? found.get<long long>() : -1;
}

}  // namespace ordercast::test
