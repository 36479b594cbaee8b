// SPDX-License-Identifier: MIT
#include "domain/instant.hpp"

#include <array>

namespace order_server {
namespace {

constexpr std::int64_t second_ms = 1000;
constexpr std::int64_t minute_ms = 60 * second_ms;
constexpr std::int64_t hour_ms = 60 * minute_ms;
constexpr std::int64_t day_ms = 24 * hour_ms;

/// Takes what it reads off the front.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  /// Exactly so many digits, from `least` to `most`.
  std::optional<std::int64_t> number(std::size_t digits, std::int64_t least, std::int64_t most) {
    if (text_.size() < digits) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : text_.substr(0, digits)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    text_.remove_prefix(digits);
    if (value < least || value > most) return std::nullopt;
    return value;
  }

  bool skip(char wanted) {
    if (text_.empty() || text_.front() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }

  /// Thousandths of a fraction of a second; finer ones are cut off. Nothing if there is no digit.
  std::optional<std::int64_t> thousandths() {
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; ++digits) {
      if (digits < 3) value = value * 10 + (text_.front() - '0');
      text_.remove_prefix(1);
    }
    if (digits == 0 || digits > 9) return std::nullopt;
    for (; digits < 3; ++digits) value *= 10;
    return value;
  }

  [[nodiscard]] bool at_end() const noexcept { return text_.empty(); }

 private:
  std::string_view text_;
};

bool is_leap(std::int64_t year) noexcept {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/// Days from 1970-01-01.
std::int64_t days_before(std::int64_t year, std::int64_t month) noexcept {
  constexpr std::array<std::int64_t, 12> passed{0,   31,  59,  90,  120, 151,
                                                181, 212, 243, 273, 304, 334};
  const std::int64_t before = year - 1;
  const std::int64_t leaps = before / 4 - before / 100 + before / 400 - 477;
  const std::int64_t leap_day = month > 2 && is_leap(year) ? 1 : 0;
  return (year - 1970) * 365 + leaps + passed[static_cast<std::size_t>(month - 1)] + leap_day;
}

std::int64_t days_in(std::int64_t year, std::int64_t month) noexcept {
  constexpr std::array<std::int64_t, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[static_cast<std::size_t>(month - 1)] + (month == 2 && is_leap(year) ? 1 : 0);
}

std::optional<std::int64_t> read_date(Reader& reader) {
  const auto year = reader.number(4, 1970, 9999);
  if (!year || !reader.skip('-')) return std::nullopt;
  const auto month = reader.number(2, 1, 12);
  if (!month || !reader.skip('-')) return std::nullopt;
  const auto day = reader.number(2, 1, days_in(*year, *month));
  if (!day) return std::nullopt;
  return (days_before(*year, *month) + *day - 1) * day_ms;
}

/// What the zone is ahead of UTC.
std::optional<std::int64_t> read_zone(Reader& reader) {
  if (reader.skip('Z')) return 0;
  const bool is_ahead = reader.skip('+');
  if (!is_ahead && !reader.skip('-')) return std::nullopt;
  const auto hours = reader.number(2, 0, 23);
  if (!hours || !reader.skip(':')) return std::nullopt;
  const auto minutes = reader.number(2, 0, 59);
  if (!minutes) return std::nullopt;
  const std::int64_t offset = *hours * hour_ms + *minutes * minute_ms;
  return is_ahead ? offset : -offset;
}

/// Time of day and zone, as what to add to the date.
std::optional<std::int64_t> read_time(Reader& reader) {
  const auto hour = reader.number(2, 0, 23);
  if (!hour || !reader.skip(':')) return std::nullopt;
  const auto minute = reader.number(2, 0, 59);
  if (!minute) return std::nullopt;
  std::int64_t time = *hour * hour_ms + *minute * minute_ms;
  if (reader.skip(':')) {
    const auto second = reader.number(2, 0, 59);
    if (!second) return std::nullopt;
    time += *second * second_ms;
    if (reader.skip('.')) {
      const auto fraction = reader.thousandths();
      if (!fraction) return std::nullopt;
      time += *fraction;
    }
  }
  const auto ahead = read_zone(reader);
  if (!ahead) return std::nullopt;
  return time - *ahead;
}

}  // namespace

std::optional<TimeSpan> parse_date_or_instant(std::string_view text) {
  Reader reader(text);
  const auto date = read_date(reader);
  if (!date) return std::nullopt;
  if (reader.at_end()) return TimeSpan{*date, *date + day_ms};
  if (!reader.skip('T')) return std::nullopt;
  const auto time = read_time(reader);
  if (!time || !reader.at_end() || *date + *time < 0) return std::nullopt;
  return TimeSpan{*date + *time, *date + *time + 1};
}

std::optional<std::int64_t> parse_instant(std::string_view text) {
  if (text.find('T') == std::string_view::npos) return std::nullopt;
  const auto span = parse_date_or_instant(text);
  if (!span) return std::nullopt;
  return span->from_ms;
}

}  // namespace order_server
