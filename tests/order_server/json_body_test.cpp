// SPDX-License-Identifier: MIT
#include "api/json_body.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>
#include <string>

using namespace order_server;

TEST_CASE("depth counts brackets outside of strings", "[json]") {
  CHECK(within_depth("{\"a\":[1,{}]}", 3));
  CHECK_FALSE(within_depth("{\"a\":[1,{}]}", 2));
  CHECK(within_depth(R"({"a":"[[[[\"[[[["})", 1));
  CHECK(within_depth("[][][][]", 1));
  CHECK(within_depth("]]]][", 1));
  CHECK(within_depth("", 0));
  CHECK(within_depth("\"\\", 1));
}

TEST_CASE("the first complaint is kept and names the field", "[json]") {
  JsonFields fields(nlohmann::json{{"a", 1}, {"b", "x"}}, "items[3].");
  CHECK(fields.text("b", 1, 5) == "x");
  CHECK(fields.complaint().empty());
  CHECK(fields.text("a", 1, 5).empty());
  CHECK(fields.integer("c", 1, 5) == 1);
  CHECK(fields.complaint() == "items[3].a must be a string");
}

TEST_CASE("what should be an object and is none is a complaint, not a crash", "[json]") {
  JsonFields fields(nlohmann::json::array({1, 2}), "items[0].");
  CHECK(fields.text("a", 1, 5).empty());
  CHECK(fields.complaint() == "items[0] must be an object");
}

TEST_CASE("a complaint that has its field with it is repeated as it is", "[json]") {
  JsonFields fields(nlohmann::json::object());
  fields.complain("", "items[0].quantity is required");
  CHECK(fields.complaint() == "items[0].quantity is required");
}

TEST_CASE("integers are whole, in range, and never wrap", "[json]") {
  const auto read = [](const nlohmann::json& value) {
    JsonFields fields(nlohmann::json{{"n", value}});
    const auto number = fields.integer("n", 1, 999);
    return fields.complaint().empty() ? number : -1;
  };
  CHECK(read(1) == 1);
  CHECK(read(999) == 999);
  CHECK(read(2.0) == 2);
  for (const auto& bad : {nlohmann::json(0), nlohmann::json(1000), nlohmann::json(1.5),
                          nlohmann::json(1e300), nlohmann::json(18446744073709551615ULL),
                          nlohmann::json("1"), nlohmann::json(nullptr), nlohmann::json(true)}) {
    CAPTURE(bad.dump());
    CHECK(read(bad) == -1);
  }
}

TEST_CASE("integers are compared as integers at the edge of 64 bits", "[json]") {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  const auto complaint = [](const char* number, std::int64_t expected) {
    JsonFields fields(nlohmann::json::parse("{\"n\":" + std::string(number) + "}"));
    const auto read = fields.integer("n", least, most);
    if (fields.complaint().empty()) CHECK(read == expected);
    return !fields.complaint().empty();
  };
  CHECK_FALSE(complaint("9223372036854775807", most));
  CHECK_FALSE(complaint("-9223372036854775808", least));
  CHECK_FALSE(complaint("9007199254740991.0", 9007199254740991));
  for (const char* bad : {"9223372036854775808", "-9223372036854775809", "18446744073709551615",
                          "9223372036854775808.0", "9223372036854775807.0", "1e19",
                          "9007199254740993.0", "-9223372036854775808.0"}) {
    INFO(bad);
    CHECK(complaint(bad, 0));
  }
}

TEST_CASE("a sum is read from digits alone", "[json]") {
  const auto read = [](const nlohmann::json& value) {
    JsonFields fields(nlohmann::json{{"n", value}});
    const auto sum = fields.minor_units("n");
    return fields.complaint().empty() ? sum : -1;
  };
  CHECK(read(0) == 0);
  CHECK(read(57100) == 57100);
  CHECK(read(std::numeric_limits<std::int64_t>::max()) == std::numeric_limits<std::int64_t>::max());
  for (const auto& bad :
       {nlohmann::json(57100.0), nlohmann::json(-1), nlohmann::json(9223372036854775808ULL),
        nlohmann::json("57100"), nlohmann::json(true), nlohmann::json(nullptr)}) {
    CAPTURE(bad.dump());
    CHECK(read(bad) == -1);
  }
}
