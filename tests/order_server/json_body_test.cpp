// SPDX-License-Identifier: MIT
#include "api/json_body.hpp"

#include <catch2/catch.hpp>

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
