// SPDX-License-Identifier: MIT
#pragma once

#include <ordercast/handshake.hpp>
#include <ordercast/http.hpp>
#include <ordercast/net/address_list.hpp>
#include <ordercast/net/client_address.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Finds the client of a request behind the server's proxies.
///
/// Pure functions and plain values; any thread. Linear in the headers.
///
///     std::string wrong;
///     const auto trusted = net::AddressList::parse("10.0.0.0/8, 2001:db8::1", wrong);
///     const auto client = net::client_of(request, *trusted);
///     limiter.admit(client.limit_key(), now);
namespace ordercast::net {

/// The client of a request, and how it reached the outermost trusted proxy.
struct Client {
  /// nullopt if unknown: the socket has closed, or what a trusted proxy says can't be read.
  std::optional<ClientAddress> address;
  std::string scheme;  ///< "http" or "https"; "" if no trusted proxy names it.
  std::string host;    ///< Host, perhaps with port; "" if no trusted proxy names it.

  [[nodiscard]] std::string text() const { return address ? address->text() : std::string(); }
  /// "" for an unknown address: all of these share one limit.
  [[nodiscard]] std::string limit_key() const {
    return address ? address->limit_key() : std::string();
  }
};

namespace detail {

/// One element of a Forwarded or X-Forwarded-For list. Missing parts are empty.
struct ForwardedHop {
  std::optional<ClientAddress> address;
  std::string scheme;
  std::string host;
};

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

/// Returns "http" or "https"; "" for anything else.
inline std::string scheme_of(std::string_view text) {
  auto scheme = lower(ordercast::detail::trim(text));
  return scheme == "http" || scheme == "https" ? scheme : std::string();
}

/// Reads a token or a quoted string (RFC 9110 section 5.6.4) up to a delimiter; nullopt if a quote
/// stays open or something follows it.
inline std::optional<std::string> take_value(std::string_view& text) {
  std::string value;
  if (text.empty() || text.front() != '"') {
    const auto end = (std::min)(text.find_first_of(",;"), text.size());
    value = ordercast::detail::trim(text.substr(0, end));
    text.remove_prefix(end);
    return value.find('"') == std::string::npos ? std::optional(std::move(value)) : std::nullopt;
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
      if (!text.empty() && text.front() != ',' && text.front() != ';') return std::nullopt;
      return value;
    }
    if (text[i] == '\\' && ++i == text.size()) break;
    value.push_back(text[i]);
  }
  return std::nullopt;
}

/// Reads one element of a Forwarded field (RFC 7239 section 4) and removes it from `text`, up to
/// its comma. Returns false on a syntax error. `hop` stays empty if the element is.
inline bool take_element(std::string_view& text, std::optional<ForwardedHop>& hop) {
  bool has_for = false;
  for (;;) {
    text = ordercast::detail::trim(text);
    if (!text.empty() && text.front() != ',' && text.front() != ';') {
      const auto name_end = text.find_first_of("=,;\"");
      if (name_end == std::string_view::npos || text[name_end] != '=') return false;
      const auto name = ordercast::detail::trim(text.substr(0, name_end));
      text = ordercast::detail::trim(text.substr(name_end + 1));
      const auto value = take_value(text);
      if (!value) return false;
      if (!hop) hop.emplace();
      if (iequals(name, "for")) {
        if (std::exchange(has_for, true)) return false;
        hop->address = ClientAddress::parse_node(*value);
      } else if (iequals(name, "proto")) {
        hop->scheme = scheme_of(*value);
      } else if (iequals(name, "host")) {
        hop->host = *value;
      }
    }
    if (text.empty() || text.front() == ',') return true;
    text.remove_prefix(1);
  }
}

/// Appends the elements of one Forwarded field with a syntax error. A client may have left a quote
/// open before its proxy appended, so only the elements after the last faulty piece count; a hop
/// without an address stands for the rest.
inline void read_faulty_forwarded(std::string_view text, std::vector<ForwardedHop>& hops) {
  const auto at = static_cast<std::ptrdiff_t>(hops.size());
  for (;;) {
    const auto comma = text.rfind(',');
    auto piece = comma == std::string_view::npos ? text : text.substr(comma + 1);
    std::optional<ForwardedHop> hop;
    const bool is_read = take_element(piece, hop);
    if (!is_read) hop = ForwardedHop{};
    if (hop) hops.push_back(std::move(*hop));
    if (!is_read || comma == std::string_view::npos) break;
    text = text.substr(0, comma);
  }
  std::reverse(hops.begin() + at, hops.end());
}

/// Appends the elements of one Forwarded field.
inline void read_forwarded(std::string_view text, std::vector<ForwardedHop>& hops) {
  const auto first = hops.size();
  for (auto rest = text;;) {
    std::optional<ForwardedHop> hop;
    if (!take_element(rest, hop)) {
      hops.resize(first);
      return read_faulty_forwarded(text, hops);
    }
    if (hop) hops.push_back(std::move(*hop));
    if (rest.empty()) return;
    rest.remove_prefix(1);
  }
}

/// All elements of all fields of that name, as one list (RFC 9110 section 5.3).
inline std::vector<std::string> list_of(const HttpRequest& request, std::string_view name) {
  std::vector<std::string> all;
  for (const auto& field : request.headers) {
    if (!iequals(field.name, name)) continue;
    ordercast::detail::any_element(field.value, [&](std::string_view entry) {
      if (!entry.empty()) all.emplace_back(entry);
      return false;
    });
  }
  return all;
}

/// The elements of X-Forwarded-For. An empty one at the end counts: what is left of it is from the
/// client, if the proxy appends nothing.
inline std::vector<std::string> addresses_of(const HttpRequest& request) {
  std::vector<std::string> all;
  for (const auto& field : request.headers) {
    if (!iequals(field.name, "X-Forwarded-For")) continue;
    const auto value = ordercast::detail::trim(field.value);
    ordercast::detail::any_element(value, [&](std::string_view entry) {
      if (!entry.empty()) all.emplace_back(entry);
      return false;
    });
    if (value.empty() || value.back() == ',') all.emplace_back();
  }
  return all;
}

inline std::vector<ForwardedHop> forwarded_hops(const HttpRequest& request) {
  std::vector<ForwardedHop> hops;
  bool is_forwarded = false;
  for (const auto& field : request.headers) {
    if (!iequals(field.name, "Forwarded")) continue;
    is_forwarded = true;
    read_forwarded(field.value, hops);
  }
  if (!hops.empty()) return hops;

  const auto addresses = addresses_of(request);
  const auto schemes = list_of(request, "X-Forwarded-Proto");
  const auto hosts = list_of(request, "X-Forwarded-Host");
  // If the lists have different lengths, a proxy sets one value for all: take the last.
  const auto beside = [&](const std::vector<std::string>& list, std::size_t i) {
    if (list.empty()) return std::string();
    return list.size() == addresses.size() ? list[i] : list.back();
  };
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    hops.push_back(
        {ClientAddress::parse_node(addresses[i]), scheme_of(beside(schemes, i)), beside(hosts, i)});
  }
  if (addresses.empty() && (is_forwarded || !schemes.empty() || !hosts.empty())) {
    hops.push_back({std::nullopt, scheme_of(beside(schemes, 0)), beside(hosts, 0)});
  }
  return hops;
}

}  // namespace detail

/// Returns the sender of a request: the peer, or, if the peer is a trusted proxy, the last hop in
/// Forwarded (or X-Forwarded-For without it) that is not a trusted proxy. Hops further left may be
/// forged by the client. If that hop names no address (it is hidden, or a syntax error), the client
/// is unknown: it never counts as the proxy. Scheme and host come from the same hop.
///
/// A trusted proxy must set or drop Forwarded: one that only sets X-Forwarded-For and forwards the
/// client's Forwarded lets clients choose their address.
[[nodiscard]] inline Client client_of(const HttpRequest& request, const AddressList& trusted) {
  Client client;
  client.address = ClientAddress::parse_node(request.remote_address);
  if (!client.address || !trusted.contains(*client.address)) return client;
  const auto hops = detail::forwarded_hops(request);
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    if (!hop->scheme.empty()) client.scheme = hop->scheme;
    if (!hop->host.empty()) client.host = hop->host;
    client.address = hop->address;
    if (!client.address || !trusted.contains(*client.address)) break;
  }
  return client;
}

}  // namespace ordercast::net
