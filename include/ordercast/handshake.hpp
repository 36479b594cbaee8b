// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/http.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Reads the token and the subprotocol from a WebSocket handshake (RFC 6455 section 4.2), for every
/// transport. Pure functions; thread-safe.
namespace ordercast {

/// The subprotocol that the server selects if a client offers it.
inline constexpr std::string_view subprotocol_name = "ordercast.v1";
/// The same with `hello` as the first message; preferred to `ordercast.v1`.
inline constexpr std::string_view subprotocol_v2_name = "ordercast.v2";

/// Decides on a handshake before the upgrade: nullopt accepts it, a response refuses it (404 for a
/// wrong path, 403 for a foreign Origin, 503 while draining). Runs on the connection's I/O thread
/// and must not block.
using HandshakeFilter = std::function<std::optional<HttpResponse>(const HttpRequest&)>;

namespace detail {

[[nodiscard]] inline std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Calls `f` with each element of a comma-separated header value until it returns true.
template <class F>
bool any_element(std::string_view list, F&& f) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (f(trim(list.substr(0, comma)))) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace detail

/// Percent-decodes a URI component (RFC 3986 section 2.1). Keeps a '%' without two hex digits after
/// it; '+' is not a space.
[[nodiscard]] inline std::string percent_decode(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

namespace detail {

/// Calls `f` with each value of a query parameter, percent-decoded, until it returns true.
template <class F>
void any_query_parameter(std::string_view query, std::string_view name, F&& f) {
  while (!query.empty()) {
    const auto amp = query.find('&');
    const auto pair = query.substr(0, amp);
    const auto eq = pair.find('=');
    if (pair.substr(0, eq) == name &&
        f(eq == std::string_view::npos ? std::string{} : percent_decode(pair.substr(eq + 1)))) {
      return;
    }
    if (amp == std::string_view::npos) return;
    query.remove_prefix(amp + 1);
  }
}

}  // namespace detail

/// Returns the value of a query parameter, percent-decoded; nullopt if it is absent. The first one
/// counts.
[[nodiscard]] inline std::optional<std::string> query_parameter(std::string_view query,
                                                                std::string_view name) {
  std::optional<std::string> found;
  detail::any_query_parameter(query, name, [&](std::string value) {
    found = std::move(value);
    return true;
  });
  return found;
}

/// The same; also nullopt if the parameter occurs with two different values.
[[nodiscard]] inline std::optional<std::string> only_query_parameter(std::string_view query,
                                                                     std::string_view name) {
  std::optional<std::string> found;
  bool is_ambiguous = false;
  detail::any_query_parameter(query, name, [&](std::string value) {
    is_ambiguous = found && *found != value;
    found = std::move(value);
    return is_ambiguous;
  });
  return is_ambiguous ? std::nullopt : found;
}

/// Returns the access token of a handshake or request: from `Authorization: Bearer <token>` (RFC
/// 6750), or a subprotocol entry `bearer.<token>`, or the query parameter `token`, in this order.
/// Empty if there is none, and if one place holds two different ones: a proxy or a log that reads
/// the other one would attribute the request to somebody else.
[[nodiscard]] inline std::string token_of(const HttpRequest& request) {
  const auto authorization = request.header("Authorization");
  if (authorization.size() > 7 && iequals(authorization.substr(0, 7), "Bearer ")) {
    return std::string(detail::trim(authorization.substr(7)));
  }
  constexpr std::string_view prefix = "bearer.";
  std::optional<std::string_view> found;
  bool is_ambiguous = false;
  for (const auto& field : request.headers) {
    if (!iequals(field.name, "Sec-WebSocket-Protocol")) continue;
    detail::any_element(field.value, [&](std::string_view entry) {
      if (entry.substr(0, prefix.size()) != prefix) return false;
      const auto token = entry.substr(prefix.size());
      is_ambiguous = is_ambiguous || (found && *found != token);
      found = token;
      return false;
    });
  }
  if (is_ambiguous) return {};
  if (found) return std::string(*found);
  return only_query_parameter(request.query(), "token").value_or(std::string{});
}

/// Returns the subprotocol to select: `ordercast.v2` if the client offers it, otherwise
/// `ordercast.v1` if it offers that, otherwise none.
[[nodiscard]] inline std::string_view select_subprotocol(const HttpRequest& request) noexcept {
  std::string_view selected;
  for (const auto& field : request.headers) {
    if (!iequals(field.name, "Sec-WebSocket-Protocol")) continue;
    detail::any_element(field.value, [&](std::string_view entry) {
      if (entry == subprotocol_name && selected.empty()) selected = subprotocol_name;
      if (entry == subprotocol_v2_name) selected = subprotocol_v2_name;
      return selected == subprotocol_v2_name;
    });
  }
  return selected;
}

}  // namespace ordercast
