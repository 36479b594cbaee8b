// SPDX-License-Identifier: MIT
#include "api/request_ids.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>

namespace order_server {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

bool is_hex(std::string_view text) noexcept {
  return text.find_first_not_of(digits) == std::string_view::npos;
}

bool is_zero(std::string_view text) noexcept {
  return text.find_first_not_of('0') == std::string_view::npos;
}

bool is_request_id(std::string_view text) noexcept {
  constexpr std::size_t longest = 64;
  return !text.empty() && text.size() <= longest &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

std::string hex(std::uint64_t number) {
  constexpr std::size_t length = 16;
  std::string text(length, '0');
  for (std::size_t i = length; i > 0; --i, number >>= 4U) text[i - 1] = digits[number & 0xFU];
  return text;
}

std::string new_request_id() {
  // The first half tells processes apart, the second the requests of one.
  static const std::string process = [] {
    std::random_device random;
    return hex((static_cast<std::uint64_t>(random()) << 32U) | random()) + "-";
  }();
  static std::atomic<std::uint64_t> count{0};
  return process + hex(count.fetch_add(1, std::memory_order_relaxed));
}

}  // namespace

std::string request_id_of(const ordercast::HttpRequest& request) {
  const auto given = request.header("X-Request-Id");
  return is_request_id(given) ? std::string(given) : new_request_id();
}

std::string trace_id_of(const ordercast::HttpRequest& request) {
  // version "-" trace-id "-" parent-id "-" flags; a later version may add "-" and more.
  constexpr std::size_t length = 55;
  const auto text = request.header("traceparent");
  if (text.size() < length || text[2] != '-' || text[35] != '-' || text[52] != '-') return {};
  const auto version = text.substr(0, 2);
  const auto trace = text.substr(3, 32);
  const auto parent = text.substr(36, 16);
  if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(text.substr(53, 2))) {
    return {};
  }
  if (version == "ff" || is_zero(trace) || is_zero(parent)) return {};
  if (text.size() > length && (version == "00" || text[length] != '-')) return {};
  return std::string(trace);
}

}  // namespace order_server
