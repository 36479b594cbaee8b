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

/// Reads a request's JSON body: bounded in depth, typed, and with one clear complaint.
///
///     JsonBody body(request);
///     const std::string email = body.text("email", 1, 254);
///     const std::string note = body.optional_text("note", 1000);
///     if (const auto refusal = body.refusal()) return *refusal;
///
/// The first thing that is wrong is kept and everything read after it is a default, so that a
/// handler asks once, at the end. Fields that nobody asks for are ignored. Never throws on input.
namespace order_server {

/// Deeper documents are refused before they are parsed; no call of the API needs more than four.
inline constexpr std::size_t max_json_depth = 16;

/// Whether `text` nests objects and arrays at most `limit` deep. Linear; looks at brackets outside
/// of strings only, so it also answers for text that is not JSON.
[[nodiscard]] bool within_depth(std::string_view text, std::size_t limit) noexcept;

/// Whether a Content-Type names JSON in UTF-8: `application/json`, with any parameters but a
/// `charset` other than utf-8.
[[nodiscard]] bool is_json_content_type(std::string_view content_type) noexcept;

/// The typed fields of one JSON object.
class JsonFields {
 public:
  JsonFields() = default;
  /// `path` goes before a field's name in a complaint ("items[2].").
  explicit JsonFields(nlohmann::json object, std::string path = {});

  /// Whether the field is there and not null.
  [[nodiscard]] bool has(const char* name) const;
  /// A required text of `least` to `most` bytes without U+0000.
  [[nodiscard]] std::string text(const char* name, std::size_t least, std::size_t most);
  /// The same, or "" when the field is absent or null.
  [[nodiscard]] std::string optional_text(const char* name, std::size_t most);
  /// A flag, false when the field is absent or null.
  [[nodiscard]] bool optional_flag(const char* name);
  /// A required whole number from `least` to `most`.
  [[nodiscard]] std::int64_t integer(const char* name, std::int64_t least, std::int64_t most);
  /// The same, or nothing when the field is absent or null.
  [[nodiscard]] std::optional<std::int64_t> optional_integer(const char* name, std::int64_t least,
                                                             std::int64_t most);
  /// The same for a sum: only digits will do, as what went through a double may be another sum.
  [[nodiscard]] std::int64_t minor_units(const char* name);
  /// A required array of `least` to `most` elements.
  [[nodiscard]] const nlohmann::json& array(const char* name, std::size_t least, std::size_t most);

  /// A required text that `parse` knows (it returns an optional value); `allowed` lists the names.
  template <class Parse>
  [[nodiscard]] auto choice(const char* name, std::string_view allowed, Parse&& parse) {
    const std::string given = text(name, 1, 64);
    auto value = parse(std::string_view(given));
    if (!value) complain(name, "must be one of " + std::string(allowed));
    return value ? *value : typename decltype(value)::value_type{};
  }

  /// Keeps the first complaint: "<path><name> <what>".
  void complain(std::string_view name, std::string_view what);
  [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }

 private:
  [[nodiscard]] const nlohmann::json* find(const char* name) const;

  nlohmann::json object_ = nlohmann::json::object();
  std::string path_;
  std::string complaint_;
};

/// A request's body as the fields of its one object.
class JsonBody : public JsonFields {
 public:
  explicit JsonBody(const ordercast::HttpRequest& request);

  /// The answer to send instead of going on: 400 for JSON that is none, 415 for another media type,
  /// 422 for a field that is missing or wrong. Empty when all that was asked for is there.
  [[nodiscard]] std::optional<ordercast::HttpResponse> refusal() const;

 private:
  std::optional<ordercast::HttpResponse> unreadable_;
};

}  // namespace order_server
