// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// Times as people and programs write them (ISO 8601). Pure; any thread.
namespace order_server {

/// The span of time that a text names: an instant is a millisecond, a date is a day in UTC.
struct TimeSpan {
  std::int64_t from_ms = 0;    ///< Unix time in milliseconds.
  std::int64_t before_ms = 0;  ///< Where it has ended.
};

/// "2026-05-01T12:34:56.789Z": seconds may have a fraction, the zone is Z or like +05:30. Nothing
/// for a text that is none, and for years before 1970 or after 9999.
[[nodiscard]] std::optional<std::int64_t> parse_instant(std::string_view text);

/// The same, or a date: "2026-05-01".
[[nodiscard]] std::optional<TimeSpan> parse_date_or_instant(std::string_view text);

}  // namespace order_server
