// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Reads one JSON object from an untrusted sender, and refuses anything ambiguous.
///
/// Beyond RFC 8259 it refuses what parsers disagree about: a repeated name in an object at any
/// depth, NUL in a name or string, a byte order mark. It refuses what costs too much: nesting
/// beyond `max_json_depth`, and more than `max_json_members` members in total. It also refuses text
/// that is not UTF-8. Pure; thread-safe; O(length), since the number of members is bounded.
namespace ordercast::detail::jose {

inline constexpr std::size_t max_json_depth = 8;
inline constexpr std::size_t max_json_members = 64;

/// `number` has a fraction or an exponent; an integer that is out of range is `other`.
enum class JsonKind : std::uint8_t { integer, number, string, string_array, other };

/// A member of the outermost object.
struct JsonMember {
  std::string name;
  JsonKind kind = JsonKind::other;
  std::int64_t integer = 0;
  double number = 0;  ///< Of both kinds of numbers.
  std::string text;
  std::vector<std::string> texts;
};

/// The members of the outermost object. Deeper members are checked and dropped.
class JsonObject {
 public:
  explicit JsonObject(std::vector<JsonMember> members) noexcept : members_(std::move(members)) {}

  /// Returns the member of that name, or null. O(members).
  [[nodiscard]] const JsonMember* find(std::string_view name) const noexcept {
    for (const auto& member : members_) {
      if (member.name == name) return &member;
    }
    return nullptr;
  }

  /// Returns the text of a string member; null if it is absent or of another type.
  [[nodiscard]] const std::string* find_text(std::string_view name) const noexcept {
    const auto* member = find(name);
    return member != nullptr && member->kind == JsonKind::string ? &member->text : nullptr;
  }

 private:
  std::vector<JsonMember> members_;
};

/// Builds the members from nlohmann's SAX events; an event returns false to stop parsing. The
/// parser's stack is on the heap, so depth costs memory but can't crash.
class JsonObjectBuilder {
 public:
  using Json = nlohmann::json;

  [[nodiscard]] std::vector<JsonMember> take() noexcept { return std::move(members_); }

  bool null() { return on_scalar(JsonKind::other); }
  bool boolean(bool /*value*/) { return on_scalar(JsonKind::other); }
  bool number_integer(Json::number_integer_t value) {
    return on_scalar(JsonKind::integer, {}, value);
  }
  bool number_unsigned(Json::number_unsigned_t value) {
    constexpr auto max = (std::numeric_limits<std::int64_t>::max)();
    if (value > static_cast<Json::number_unsigned_t>(max)) return on_scalar(JsonKind::other);
    return on_scalar(JsonKind::integer, {}, static_cast<std::int64_t>(value));
  }
  bool number_float(Json::number_float_t value, const std::string& /*text*/) {
    if (!on_scalar(JsonKind::number)) return false;
    if (depth_ == 1) members_.back().number = value;
    return true;
  }
  bool string(std::string& value) {
    return !has_nul(value) && on_scalar(JsonKind::string, std::move(value));
  }
  bool binary(Json::binary_t& /*value*/) { return false; }

  bool start_object(std::size_t /*size*/) {
    scopes_.push_back(names_.size());
    return on_open(JsonKind::other);
  }
  bool key(std::string& name) {
    if (has_nul(name) || ++member_count_ > max_json_members) return false;
    for (std::size_t i = scopes_.back(); i < names_.size(); ++i) {
      if (names_[i] == name) return false;
    }
    if (depth_ == 1) {
      members_.emplace_back();
      members_.back().name = name;
    }
    names_.push_back(std::move(name));
    return true;
  }
  bool end_object() {
    names_.resize(scopes_.back());
    scopes_.pop_back();
    --depth_;
    return true;
  }

  bool start_array(std::size_t /*size*/) { return depth_ != 0 && on_open(JsonKind::string_array); }
  bool end_array() {
    --depth_;
    return true;
  }

  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const Json::exception& /*error*/) {
    return false;
  }

 private:
  [[nodiscard]] static bool has_nul(const std::string& text) noexcept {
    return text.find('\0') != std::string::npos;
  }

  bool on_scalar(JsonKind kind, std::string text = {}, std::int64_t integer = 0) {
    if (depth_ == 0) return false;  // the document is not an object
    if (depth_ > 2) return true;
    auto& member = members_.back();
    if (depth_ == 1) {
      member.kind = kind;
      member.text = std::move(text);
      member.integer = integer;
      member.number = static_cast<double>(integer);
    } else if (member.kind == JsonKind::string_array) {
      if (kind == JsonKind::string) {
        member.texts.push_back(std::move(text));
      } else {
        member.kind = JsonKind::other;
      }
    }
    return true;
  }

  bool on_open(JsonKind kind) {
    if (depth_ == max_json_depth) return false;
    if (depth_ == 1) members_.back().kind = kind;
    if (depth_ >= 2) members_.back().kind = JsonKind::other;  // an array that holds a container
    ++depth_;
    return true;
  }

  std::vector<JsonMember> members_;
  std::vector<std::string> names_;   // of all open objects, outermost first
  std::vector<std::size_t> scopes_;  // where each open object's names begin
  std::size_t depth_ = 0;
  std::size_t member_count_ = 0;
};

/// Reads one object; nullopt for any other text. Throws only std::bad_alloc.
[[nodiscard]] inline std::optional<JsonObject> parse_json_object(std::string_view text) {
  // nlohmann ends the text at a raw NUL and skips a byte order mark.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  if (!text.empty() && text.front() == '\xEF') return std::nullopt;
  JsonObjectBuilder builder;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return std::nullopt;
  return JsonObject(builder.take());
}

}  // namespace ordercast::detail::jose
