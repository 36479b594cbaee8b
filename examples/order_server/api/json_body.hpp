// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Reads typed fields from a request's JSON body. Bounds its depth and reports one clear error.
///
///     JsonBody body(request);
///     const std::string email = body.text("email", 1, 254);
///     const std::string note = body.optional_text("note", 1000);
///     if (const auto refusal = body.refusal()) return *refusal;
///
/// Keeps the first error; fields read after it are defaults. So a handler checks once, at the end.
/// Ignores unknown fields. Never throws on input.
namespace order_server {

/// Deeper documents are refused before they are parsed. No call of the API needs more than four
/// levels.
inline constexpr std::size_t max_json_depth = 16;

/// Returns true if `text` nests objects and arrays at most `limit` deep. Counts brackets outside of
/// strings, so it also works on text that is not JSON. O(length).
[[nodiscard]] bool within_depth(std::string_view text, std::size_t limit) noexcept;

/// Returns true if a Content-Type is JSON in UTF-8: `application/json` with any parameters, except
/// a `charset` other than utf-8.
[[nodiscard]] bool is_json_content_type(std::string_view content_type) noexcept;

/// The typed fields of one JSON object.
class JsonFields {
 public:
  JsonFields() = default;
  /// `path` stands before a field's name in an error ("items[2].").
  explicit JsonFields(nlohmann::json object, std::string path = {});

  /// Whether the field is there and not null.
  [[nodiscard]] bool has(const char* name) const;
  /// Whether it is there, if only as null.
  [[nodiscard]] bool contains(const char* name) const { return object_.contains(name); }
  /// A required text of `least` to `most` bytes without U+0000.
  [[nodiscard]] std::string text(const char* name, std::size_t least, std::size_t most);
  /// The same, or "" when the field is absent or null.
  [[nodiscard]] std::string optional_text(const char* name, std::size_t most);
  /// A flag, false when the field is absent or null.
  [[nodiscard]] bool optional_flag(const char* name);
  /// A required whole number from `least` to `most`.
  [[nodiscard]] std::int64_t integer(const char* name, std::int64_t least, std::int64_t most);
  /// The same, or nullopt when the field is absent or null.
  [[nodiscard]] std::optional<std::int64_t> optional_integer(const char* name, std::int64_t least,
                                                             std::int64_t most);
  /// The same for a sum of money. Takes digits only: 1e2 or 100.0 may have lost digits in a double.
  [[nodiscard]] std::int64_t minor_units(const char* name);
  /// A required array of `least` to `most` elements.
  [[nodiscard]] const nlohmann::json& array(const char* name, std::size_t least, std::size_t most);

  /// A required text that `parse` maps to a value. `allowed` lists the texts, for the error.
  template <class Parse>
  [[nodiscard]] auto choice(const char* name, std::string_view allowed, Parse&& parse) {
    const std::string given = text(name, 1, 64);
    auto value = parse(std::string_view(given));
    if (!value) complain(name, "must be one of " + std::string(allowed));
    return value ? *value : typename decltype(value)::value_type{};
  }

  /// Keeps the first error: "<path><name> <what>".
  void complain(std::string_view name, std::string_view what);
  [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }

 private:
  [[nodiscard]] const nlohmann::json* find(const char* name) const;

  nlohmann::json object_ = nlohmann::json::object();
  std::string path_;
  std::string complaint_;
};

/// The fields of the object in a request's body.
class JsonBody : public JsonFields {
 public:
  explicit JsonBody(const ordercast::HttpRequest& request);

  /// Returns the refusal to send: 400 for invalid JSON, 415 for another media type, 422 for a field
  /// that is missing or wrong. nullopt if every field read so far is good.
  [[nodiscard]] std::optional<ordercast::HttpResponse> refusal() const;

 private:
  std::optional<ordercast::HttpResponse> unreadable_;
};

}  // namespace order_server
