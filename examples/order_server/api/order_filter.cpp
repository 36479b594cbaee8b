// SPDX-License-Identifier: MIT
#include "api/order_filter.hpp"

#include "api/order_access.hpp"
#include "domain/instant.hpp"
#include <ordercast/detail/utf8.hpp>
#include <ordercast/handshake.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace order_server {
namespace {

constexpr std::int64_t max_page = 1'000'000;
constexpr std::int64_t max_page_size = 100;
constexpr std::size_t max_id_bytes = 128;
constexpr std::size_t max_text_bytes = 200;

struct SortName {
  OrderSort sort;
  std::string_view name;
};
constexpr std::array<SortName, 4> sort_names{{{OrderSort::created_at, "createdAt"},
                                              {OrderSort::updated_at, "updatedAt"},
                                              {OrderSort::total, "totalAmount"},
                                              {OrderSort::number, "number"}}};

std::optional<OrderSort> sort_from_string(std::string_view name) {
  for (const auto& each : sort_names) {
    if (each.name == name) return each.sort;
  }
  return std::nullopt;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// A sort as one letter of a cursor.
char letter_of(const OrderFilter& filter) {
  const auto letter = static_cast<char>('a' + static_cast<int>(filter.sort));
  return filter.ascending ? static_cast<char>(letter - 'a' + 'A') : letter;
}

/// Reads parameters one after another and keeps the first complaint.
class Parameters {
 public:
  explicit Parameters(std::string_view query) : query_(query) {}

  [[nodiscard]] std::string take_complaint() { return std::move(complaint_); }

  /// A value that `parse` knows; `allowed` lists the names.
  template <class Parse>
  auto choice(const char* name, std::string_view allowed, Parse&& parse)
      -> decltype(parse(std::string_view())) {
    const auto text = ordercast::query_parameter(query_, name);
    if (!text) return std::nullopt;
    auto value = parse(std::string_view(*text));
    if (!value) complain(name, "must be one of " + std::string(allowed));
    return value;
  }

  /// Several by comma, each once.
  void statuses(OrderFilter& filter) {
    const auto text = ordercast::query_parameter(query_, "status");
    if (!text) return;
    std::string_view rest = *text;
    while (true) {
      const auto comma = rest.find(',');
      const auto status = order_status_from_string(rest.substr(0, comma));
      if (!status) {
        return complain("status", "must be one of " + std::string(order_status_names) +
                                      ", or several of them by comma");
      }
      auto& known = filter.statuses;
      if (std::find(known.begin(), known.end(), *status) == known.end()) known.push_back(*status);
      if (comma == std::string_view::npos) return;
      rest.remove_prefix(comma + 1);
    }
  }

  std::optional<TimeSpan> time(const char* name) {
    const auto text = ordercast::query_parameter(query_, name);
    if (!text) return std::nullopt;
    const auto span = parse_date_or_instant(*text);
    if (!span) {
      complain(name, "must be a date like 2026-05-01 or an instant like 2026-05-01T12:30:00Z");
    }
    return span;
  }

  std::int64_t integer(const char* name, std::int64_t fallback, std::int64_t most,
                       std::string_view range) {
    const auto text = ordercast::query_parameter(query_, name);
    if (!text) return fallback;
    const auto value = whole_number(*text);
    if (value && *value >= 1 && *value <= most) return *value;
    complain(name, "must be a whole number from " + std::string(range));
    return fallback;
  }

  /// However large, it counts as the largest page.
  std::int64_t page_size() {
    const auto text = ordercast::query_parameter(query_, "pageSize");
    const bool is_huge = text && text->size() > 6 &&
                         text->find_first_not_of("0123456789") == std::string::npos &&
                         text->front() != '0';
    if (is_huge) return max_page_size;
    return std::min(integer("pageSize", 20, max_page, "1 to 100"), max_page_size);
  }

  std::string id(const char* name) {
    return checked(name, ordercast::query_parameter(query_, name), max_id_bytes);
  }

  /// As forms send it: a plus is a blank.
  std::string text(const char* name) {
    std::string query;
    for (const char c : query_) {
      if (c == '+') {
        query += "%20";
      } else {
        query += c;
      }
    }
    const auto text = checked(name, ordercast::query_parameter(query, name), max_text_bytes);
    return std::string(ordercast::detail::trim(text));
  }

  void cursor(OrderFilter& filter) {
    const auto text = ordercast::query_parameter(query_, "cursor");
    if (!text) return;
    const std::string_view given = *text;
    const auto first = given.find('.');
    const auto second = given.find('.', first == std::string_view::npos ? first : first + 1);
    if (second != std::string_view::npos && first == 1 && given.front() == letter_of(filter)) {
      const auto value = whole_number(given.substr(first + 1, second - first - 1));
      const auto sequence = whole_number(given.substr(second + 1));
      if (value && sequence && *sequence >= 1) {
        filter.after = OrderCursor{*value, *sequence};
        return;
      }
    }
    complain("cursor", "must be the nextCursor of a page with the same sortBy and sortOrder");
  }

 private:
  void complain(const char* name, const std::string& what) {
    if (complaint_.empty()) complaint_ = std::string(name) + " " + what;
  }

  std::string checked(const char* name, std::optional<std::string> text, std::size_t most) {
    if (!text) return {};
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
    const bool good = text->size() <= most && ordercast::detail::is_utf8(*text) &&
                      std::none_of(text->begin(), text->end(), is_control);
    if (good) return std::move(*text);
    complain(name, "must be at most " + std::to_string(most) +
                       " bytes of UTF-8 without control characters");
    return {};
  }

  std::string_view query_;
  std::string complaint_;
};

}  // namespace

std::string read_order_filter(std::string_view query, OrderFilter& filter) {
  Parameters read(query);
  filter.page = read.integer("page", 1, max_page, "1 to 1000000");
  filter.page_size = read.page_size();
  read.statuses(filter);
  filter.payment_status =
      read.choice("paymentStatus", "PENDING, PAID, FAILED, REFUNDED", payment_status_from_string);
  filter.payment_method = read.choice("paymentMethod", "ONLINE, COD", payment_method_from_string);
  filter.fulfillment_type =
      read.choice("fulfillmentType", "DELIVERY, PICKUP", fulfillment_type_from_string);
  filter.store_id = read.id("storeId");
  filter.customer_id = read.id("userId");
  if (const auto from = read.time("dateFrom")) filter.created_from_ms = from->from_ms;
  if (const auto to = read.time("dateTo")) filter.created_before_ms = to->before_ms;
  filter.text = read.text("q");
  if (const auto sort =
          read.choice("sortBy", "createdAt, updatedAt, totalAmount, number", sort_from_string)) {
    filter.sort = *sort;
  }
  const auto ascending =
      read.choice("sortOrder", "asc, desc", [](std::string_view text) -> std::optional<bool> {
        if (text == "asc") return true;
        if (text == "desc") return false;
        return std::nullopt;
      });
  filter.ascending = ascending.value_or(false);
  read.cursor(filter);
  return read.take_complaint();
}

std::string cursor_text(const OrderFilter& filter, const OrderCursor& cursor) {
  return std::string(1, letter_of(filter)) + "." + std::to_string(cursor.value) + "." +
         std::to_string(cursor.sequence);
}

}  // namespace order_server
