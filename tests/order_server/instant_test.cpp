// SPDX-License-Identifier: MIT
#include "domain/instant.hpp"

#include "domain/order_json.hpp"

#include <catch2/catch.hpp>

namespace order_server {

TEST_CASE("an instant is read as it is written", "[instant]") {
  CHECK(parse_instant("1970-01-01T00:00:00Z") == 0);
  CHECK(parse_instant("2024-05-01T12:51:30.123Z") == 1714567890123);
  CHECK(parse_instant("2024-02-29T12:34:56.007Z") == 1709210096007);
  for (const std::int64_t at_ms :
       {0LL, 951'782'400'000LL, 1'709'251'199'999LL, 4'102'444'800'000LL}) {
    CHECK(parse_instant(iso8601(at_ms)) == at_ms);
  }
}

TEST_CASE("an instant may have a zone, no seconds, and a finer fraction", "[instant]") {
  CHECK(parse_instant("2024-05-01T18:21:30.123+05:30") == 1714567890123);
  CHECK(parse_instant("2024-05-01T10:51:30.1239999-02:00") == 1714567890123);
  CHECK(parse_instant("2024-05-01T12:51Z") == 1714567860000);
  CHECK(parse_instant("2024-05-01T12:51:30.1Z") == 1714567890100);
}

TEST_CASE("a date is its whole day in UTC", "[instant]") {
  const auto day = parse_date_or_instant("2024-05-01");
  REQUIRE(day);
  CHECK(iso8601(day->from_ms) == "2024-05-01T00:00:00.000Z");
  CHECK(iso8601(day->before_ms) == "2024-05-02T00:00:00.000Z");
  const auto instant = parse_date_or_instant("2024-05-01T12:51:30.123Z");
  REQUIRE(instant);
  CHECK(instant->before_ms == instant->from_ms + 1);
  CHECK_FALSE(parse_instant("2024-05-01"));
}

TEST_CASE("what is no time is nothing", "[instant]") {
  for (const char* text : {"",
                           "T",
                           "now",
                           "2024",
                           "2024-13-01",
                           "2024-00-01",
                           "2023-02-29",
                           "2024-04-31",
                           "1900-01-01",
                           "99999-01-01",
                           "2024-05-01T",
                           "2024-05-01T24:00:00Z",
                           "2024-05-01T12:60:00Z",
                           "2024-05-01T12:00:60Z",
                           "2024-05-01T12:00:00",
                           "2024-05-01T12:00:00.Z",
                           "2024-05-01T12:00:00ZZ",
                           "2024-05-01T12:00:00+5:30",
                           "2024-05-01 12:00:00Z",
                           "1970-01-01T00:00:00+01:00",
                           "2024-05-01T12:00:00.1234567890Z",
                           "-2024-05-01"}) {
    INFO(text);
    CHECK_FALSE(parse_date_or_instant(text));
  }
}

}  // namespace order_server
