// SPDX-License-Identifier: MIT
#include "api/json_body.hpp"

#include "api/envelope.hpp"
#include <ordercast/handshake.hpp>

#include <cmath>
#include <limits>

namespace order_server {
namespace {

using nlohmann::json;

/// Takes the text before the next ';' off the front.
std::string_view next_part(std::string_view& text) noexcept {
  const auto end = text.find(';');
  const auto part = ordercast::detail::trim(text.substr(0, end));
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return part;
}

/// Returns the integer that a JSON number stands for; nullopt if it is not whole or does not fit.
/// 2.0 counts as whole, up to 2^53, beyond which doubles skip integers. 2^63 must not wrap into
/// range.
std::optional<std::int64_t> whole_number(const json& value) {
  constexpr double exact = 9007199254740992.0;  // 2^53
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  if (std::trunc(number) != number || std::abs(number) >= exact) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

}  // namespace

bool within_depth(std::string_view text, std::size_t limit) noexcept {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > limit) return false;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return true;
}

bool is_json_content_type(std::string_view content_type) noexcept {
  if (!ordercast::iequals(next_part(content_type), "application/json")) return false;
  constexpr std::string_view charset = "charset=";
  while (!content_type.empty()) {
    const auto parameter = next_part(content_type);
    if (!ordercast::iequals(parameter.substr(0, charset.size()), charset)) continue;
    const auto value = parameter.substr(charset.size());
    if (!ordercast::iequals(value, "utf-8") && !ordercast::iequals(value, "\"utf-8\"")) {
      return false;
    }
  }
  return true;
}

JsonFields::JsonFields(json object, std::string path)
    : object_(std::move(object)), path_(std::move(path)) {
  if (!object_.is_object()) {
    if (!path_.empty() && path_.back() == '.') path_.pop_back();
    complain("", "must be an object");
    object_ = json::object();
  }
}

const json* JsonFields::find(const char* name) const {
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

bool JsonFields::has(const char* name) const {
  const auto* value = find(name);
  return value != nullptr && !value->is_null();
}

void JsonFields::complain(std::string_view name, std::string_view what) {
  if (!complaint_.empty()) return;
  complaint_.append(path_).append(name);
  if (!complaint_.empty()) complaint_.push_back(' ');
  complaint_.append(what);
}

std::string JsonFields::text(const char* name, std::size_t least, std::size_t most) {
  const json* value = find(name);
  if (value == nullptr) {
    complain(name, "is required");
    return {};
  }
  if (!value->is_string()) {
    complain(name, "must be a string");
    return {};
  }
  const auto& given = value->get_ref<const std::string&>();
  if (given.size() < least || given.size() > most) {
    complain(name, "must have " + std::to_string(least) + " to " + std::to_string(most) + " bytes");
    return {};
  }
  // Databases, C libraries and logs would end the text at NUL.
  if (given.find('\0') != std::string::npos) {
    complain(name, "must not hold the character U+0000");
    return {};
  }
  return given;
}

std::string JsonFields::optional_text(const char* name, std::size_t most) {
  if (!has(name)) return {};
  return text(name, 0, most);
}

bool JsonFields::optional_flag(const char* name) {
  const auto* field = find(name);
  if (field == nullptr || field->is_null()) return false;
  if (!field->is_boolean()) {
    complain(name, "must be true or false");
    return false;
  }
  return field->get<bool>();
}

std::int64_t JsonFields::integer(const char* name, std::int64_t least, std::int64_t most) {
  const json* value = find(name);
  if (value == nullptr) {
    complain(name, "is required");
    return least;
  }
  const auto number = whole_number(*value);
  if (!number || *number < least || *number > most) {
    complain(name, "must be a whole number from " + std::to_string(least) + " to " +
                       std::to_string(most));
    return least;
  }
  return *number;
}

std::optional<std::int64_t> JsonFields::optional_integer(const char* name, std::int64_t least,
                                                         std::int64_t most) {
  if (!has(name)) return std::nullopt;
  return integer(name, least, most);
}

std::int64_t JsonFields::minor_units(const char* name) {
  const json* value = find(name);
  if (value != nullptr && value->is_number_float()) {
    complain(name, "must be a whole number without fraction and exponent");
    return 0;
  }
  return integer(name, 0, std::numeric_limits<std::int64_t>::max());
}

const json& JsonFields::array(const char* name, std::size_t least, std::size_t most) {
  static const json none = json::array();
  const json* value = find(name);
  if (value == nullptr) {
    complain(name, "is required");
    return none;
  }
  if (!value->is_array() || value->size() < least || value->size() > most) {
    complain(name, "must be an array of " + std::to_string(least) + " to " + std::to_string(most) +
                       " elements");
    return none;
  }
  return *value;
}

namespace {

/// Returns the object in the body. If there is none, fills `refusal` and returns an empty object.
json read_object(const ordercast::HttpRequest& request,
                 std::optional<ordercast::HttpResponse>& refusal) {
  json none = json::object();
  if (request.body.empty()) {
    refusal = problem(400, "The request needs a JSON body");
    return none;
  }
  if (const auto coding = request.header("Content-Encoding");
      !coding.empty() && !ordercast::iequals(coding, "identity")) {
    refusal = problem(415, "The body must not have a Content-Encoding");
    return none;
  }
  const auto content_type = request.header("Content-Type");
  // `curl -d` sends this type with any text, so it counts as JSON. A web page can also send it
  // anywhere without a preflight, so it does not count with an Origin header, which browsers add to
  // every POST.
  const bool from_curl = ordercast::iequals(content_type, "application/x-www-form-urlencoded") &&
                         request.header("Origin").empty();
  if (!from_curl && !is_json_content_type(content_type)) {
    refusal = problem(415, "The body must be JSON with Content-Type: application/json");
    return none;
  }
  if (!within_depth(request.body, max_json_depth)) {
    refusal = problem(400, "The body is nested too deep");
    return none;
  }
  json parsed = json::parse(request.body, nullptr, false);
  if (parsed.is_discarded()) {
    refusal = problem(400, "The body is not valid JSON");
    return none;
  }
  if (!parsed.is_object()) {
    refusal = problem(400, "The body must be a JSON object");
    return none;
  }
  return parsed;
}

}  // namespace

JsonBody::JsonBody(const ordercast::HttpRequest& request) {
  static_cast<JsonFields&>(*this) = JsonFields(read_object(request, unreadable_));
}

std::optional<ordercast::HttpResponse> JsonBody::refusal() const {
  if (unreadable_) return unreadable_;
  if (!complaint().empty()) return problem(422, complaint());
  return std::nullopt;
}

}  // namespace order_server
