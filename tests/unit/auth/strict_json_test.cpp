// SPDX-License-Identifier: MIT
#include <ordercast/auth/detail/strict_json.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace ordercast::detail::jose;  // NOLINT(google-build-using-namespace)

namespace {

std::string nested(std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += "{\"a\":";
  return text + "1" + std::string(depth, '}');
}

std::string object_of(std::size_t members) {
  std::string text = "{";
  for (std::size_t i = 0; i < members; ++i) {
    text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  }
  return text + "}";
}

}  // namespace

TEST_CASE("strict JSON gives the outermost members by kind", "[auth]") {
  const auto object = parse_json_object(
      R"( {"text":"a\u00e9","number":-7,"list":["x","y"],"none":[],"yes":true,"nil":null,)"
      R"("deep":{"text":"hidden","list":["hidden"]},"real":1.5} )");
  REQUIRE(object);
  CHECK(*object->find_text("text") == "a\xC3\xA9");
  CHECK(object->find("number")->kind == JsonKind::integer);
  CHECK(object->find("number")->integer == -7);
  CHECK(object->find("list")->kind == JsonKind::string_array);
  CHECK(object->find("list")->texts == std::vector<std::string>{"x", "y"});
  CHECK(object->find("none")->kind == JsonKind::string_array);
  CHECK(object->find("real")->kind == JsonKind::number);
  CHECK(object->find("real")->number == 1.5);
  for (const char* name : {"yes", "nil", "deep"}) {
    CAPTURE(name);
    CHECK(object->find(name)->kind == JsonKind::other);
    CHECK(object->find(name)->texts.empty());
  }
  CHECK(object->find("absent") == nullptr);
  CHECK(object->find_text("number") == nullptr);
}

TEST_CASE("strict JSON takes no array with anything but strings for a list of strings", "[auth]") {
  for (const char* array : {R"(["x",1])", R"([1,"x"])", R"(["x",null])", R"(["x",{}])",
                            R"([["x"]])", R"([{"a":"x"},"x"])", R"([[],"x"])"}) {
    CAPTURE(array);
    const auto object = parse_json_object("{\"list\":" + std::string(array) + "}");
    REQUIRE(object);
    CHECK(object->find("list")->kind == JsonKind::other);
  }
}

TEST_CASE("strict JSON refuses everything but one object", "[auth]") {
  for (const char* text : {"",
                           " ",
                           "null",
                           "1",
                           "\"a\"",
                           "[]",
                           "[{}]",
                           "{",
                           "{}}",
                           "{}{}",
                           "{} x",
                           "{\"a\"}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\":1,}",
                           "{\"a\":01}",
                           "{\"a\":1e999}",
                           "{/**/}",
                           "{\"a\":NaN}",
                           "{\"a\":\"\x01\"}"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_json_object(text));
  }
  CHECK(parse_json_object("{}"));
}

TEST_CASE("strict JSON refuses a name that occurs twice, at any depth", "[auth]") {
  CHECK_FALSE(parse_json_object(R"({"a":1,"a":1})"));
  CHECK_FALSE(parse_json_object(R"({"a":1,"\u0061":2})"));
  CHECK_FALSE(parse_json_object(R"({"o":{"a":1,"b":2,"a":3}})"));
  CHECK_FALSE(parse_json_object(R"({"o":[{"a":1,"a":3}]})"));
  CHECK_FALSE(parse_json_object(R"({"a":{"b":1},"a":1})"));
  CHECK(parse_json_object(R"({"a":{"a":{"a":1}},"b":{"a":1},"c":[{"a":1},{"a":1}]})"));
}

TEST_CASE("strict JSON refuses NUL, raw or escaped, in names and strings", "[auth]") {
  CHECK_FALSE(parse_json_object(R"({"a\u0000":1})"));
  CHECK_FALSE(parse_json_object(R"({"a":"x\u0000"})"));
  CHECK_FALSE(parse_json_object(R"({"o":[{"a":"x\u0000"}]})"));
  CHECK_FALSE(parse_json_object(std::string("{\"a\":1}\0", 8)));
  CHECK_FALSE(parse_json_object(std::string("{\"a\":1}\0junk", 12)));
}

TEST_CASE("strict JSON refuses a byte order mark and text that is not UTF-8", "[auth]") {
  CHECK_FALSE(parse_json_object("\xEF\xBB\xBF{}"));
  for (const char* bytes : {"\x80", "\xC0\xAF", "\xC3", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xFF",
                            R"(\ud800)", R"(\udc00)"}) {
    CAPTURE(bytes);
    CHECK_FALSE(parse_json_object("{\"a\":\"" + std::string(bytes) + "\"}"));
    CHECK_FALSE(parse_json_object("{\"" + std::string(bytes) + "\":1}"));
  }
}

TEST_CASE("strict JSON is bounded in depth and in members", "[auth]") {
  CHECK(parse_json_object(nested(max_json_depth)));
  CHECK_FALSE(parse_json_object(nested(max_json_depth + 1)));
  CHECK_FALSE(parse_json_object("{\"a\":" + std::string(200'000, '[')));
  CHECK(parse_json_object(object_of(max_json_members)));
  CHECK_FALSE(parse_json_object(object_of(max_json_members + 1)));
  CHECK_FALSE(parse_json_object("{\"a\":" + object_of(max_json_members) + "}"));
}

TEST_CASE("strict JSON takes an integer only where it is exact", "[auth]") {
  const auto object = parse_json_object(
      R"({"most":9223372036854775807,"more":9223372036854775808,"big":99999999999999999999,)"
      R"("least":-9223372036854775808,"less":-9223372036854775809,"real":1.0,"power":1e3})");
  REQUIRE(object);
  CHECK(object->find("most")->kind == JsonKind::integer);
  CHECK(object->find("least")->kind == JsonKind::integer);
  for (const char* name : {"more", "big", "less", "real", "power"}) {
    CAPTURE(name);
    CHECK(object->find(name)->kind != JsonKind::integer);
  }
  CHECK(object->find("power")->number == 1000);
}
